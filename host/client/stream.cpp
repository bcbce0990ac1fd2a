#include "client/stream.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "base/bytes.h"
#include "client/http2.h"
#include "client/pool.h"

namespace acp::client {

namespace {

using Pulled = http::BodySource::Pulled;

constexpr std::size_t kHeadBytes = 65536;
constexpr std::size_t kFieldOverhead = 32;  ///< RFC 9113 section 6.5.2
constexpr std::size_t kPieceBytes = 64 * 1024;
constexpr int kInterimMax = 16;

std::string_view view(nghttp2_rcbuf* buffer) noexcept {
    const nghttp2_vec bytes = nghttp2_rcbuf_get_buf(buffer);
    return {reinterpret_cast<const char*>(bytes.base), bytes.len};
}

nghttp2_nv pair(std::string_view name, std::string_view value) noexcept {
    // nghttp2 does not write to them.
    return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
            reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
            NGHTTP2_NV_FLAG_NONE};
}

}  // namespace

Stream::Stream(Http2& connection, Call& call) noexcept
    : connection_(connection), call_(&call), begun_ns_(connection.pool().loop().now_ns()) {}

std::shared_ptr<Stream> Stream::make(Http2& connection, Call& call) {
    auto stream = std::make_shared<Stream>(connection, call);
    call.carried_by(*stream, connection.was_used(), stream);
    return stream;
}

Stream::~Stream() {
    release_fields();
}

bool Stream::submit() {
    Request& request = call_->request();
    std::vector<std::string> names;
    names.reserve(request.fields.size());
    std::vector<nghttp2_nv> head;
    head.reserve(request.fields.size() + 5);
    const bool tls = connection_.pool().origin().scheme == Scheme::https;
    head.push_back(pair(":method", request.method));
    head.push_back(pair(":scheme", tls ? "https" : "http"));
    head.push_back(pair(":authority", request.authority));
    head.push_back(pair(":path", request.target));
    for (const auto& [name, value] : request.fields) head.push_back(pair(names.emplace_back(ascii_lower(name)), value));
    const std::string length =
        std::to_string(request.source ? request.source_bytes.value_or(0) : request.body.size());
    const bool has_body = request.source || !request.body.empty();
    const bool length_known = request.source ? request.source_bytes.has_value()
                                             : has_body || (request.method != "GET" && request.method != "HEAD");
    if (length_known) head.push_back(pair("content-length", length));
    const nghttp2_data_provider body = Http2::body_of(*this);
    const std::int32_t id = nghttp2_submit_request(connection_.session(), nullptr, head.data(), head.size(),
                                                   has_body ? &body : nullptr, this);
    if (id < 0) return false;
    id_ = id;
    if (request.source)
        feed_ = std::make_unique<wire::Feed>(connection_.pool().loop(), std::move(request.source),
                                             static_cast<wire::Feed::Listener&>(*this));
    return true;
}

void Stream::begin_head() noexcept {
    if (head_ready_) return;  // trailers
    interim_ready_ = false;   // an interim head that nobody saw is not missed
    release_fields();
}

bool Stream::end_head() noexcept {
    if (head_ready_) return true;
    if (status_ / 100 != 1) {
        head_ready_ = true;
        return true;
    }
    interim_ready_ = true;
    return ++interim_ <= kInterimMax;
}

bool Stream::add_field(nghttp2_rcbuf* name_buffer, nghttp2_rcbuf* value_buffer) {
    const std::string_view name = view(name_buffer);
    const std::string_view value = view(value_buffer);
    head_bytes_ += name.size() + value.size() + kFieldOverhead;
    if (head_bytes_ > kHeadBytes) return false;
    if (head_ready_) return true;  // trailers: checked by the library; nobody asks for them
    if (name == ":status") {
        std::from_chars(value.data(), value.data() + value.size(), status_);
        return status_ != 101;
    }
    held_.push_back(name_buffer);
    nghttp2_rcbuf_incref(name_buffer);
    held_.push_back(value_buffer);
    nghttp2_rcbuf_incref(value_buffer);
    fields_.push_back({name, value});
    return true;
}

void Stream::release_fields() noexcept {
    for (nghttp2_rcbuf* buffer : held_) nghttp2_rcbuf_decref(buffer);
    held_.clear();
    fields_.clear();
}

void Stream::closed(std::uint32_t error_code) noexcept {
    closed_ = true;
    error_code_ = error_code;
    feed_.reset();
}

void Stream::tell() {
    if (!call_) return;
    call_->heard();
    if (std::exchange(interim_ready_, false)) call_->interim({status_, fields_, false});
    if (call_ && head_ready_ && !std::exchange(head_told_, true)) call_->head({status_, fields_, false});
    if (!call_) return;
    if (head_told_) {
        call_->arrived();
    } else if (closed_) {
        Error why = failure();
        std::exchange(call_, nullptr)->failed(std::move(why), error_code_ == NGHTTP2_REFUSED_STREAM && interim_ == 0 ? Seen::unseen : Seen::maybe);
    }
}

void Stream::fail(const Error& error, bool malformed) {
    closed_ = true;
    if (error_code_ == 0) error_code_ = NGHTTP2_INTERNAL_ERROR;
    feed_.reset();
    if (!call_ || (head_told_ && ended_)) return;  // the whole answer is here
    if (head_told_) {
        call_->arrived();
        return;
    }
    const bool begun = malformed || interim_ > 0 || head_ready_;
    const Seen seen = !submitted() ? Seen::unseen : begun ? Seen::maybe : Seen::unanswered;
    std::exchange(call_, nullptr)->failed(error, seen);
}

Error Stream::failure() const {
    const std::string& place = call_->pool().place();
    if (source_failed_)
        return acp::fail(Code::cancelled, "request_cut", "the request's body ended before its end").value();
    if (!head_told_ && error_code_ == NGHTTP2_REFUSED_STREAM)
        return acp::fail(Code::unavailable, "upstream_refused", place + " refused the request unseen").value();
    if (!head_told_ && error_code_ == NGHTTP2_NO_ERROR)
        return acp::fail(Code::unavailable, "upstream_closed", place + " ended the stream without an answer").value();
    return acp::fail(Code::provider_error, head_told_ ? "truncated_answer" : "bad_upstream_answer",
                     "the answer of " + place + (head_told_ ? " is truncated: " : " is refused: ") +
                         "the stream was reset with " + nghttp2_http2_strerror(error_code_))
        .value();
}

Pulled Stream::read(std::string& out, Error& why) {
    if (!head_told_) return Pulled::empty;
    if (!data_.empty()) {
        // The connection's window is open again since the bytes came in; this opens
        // the stream's, so that one who does not read holds up nobody else.
        if (!closed_) {
            nghttp2_session_consume_stream(connection_.session(), id_, data_.size());
            connection_.submitted();
        }
        if (out.empty())
            out.swap(data_);
        else
            out += data_;
        data_.clear();
        if (!ended_ && !closed_) return Pulled::more;
    }
    if (ended_) {
        std::exchange(call_, nullptr)->complete();
        // What is left of the request is of no use any more.
        if (!closed_) connection_.drop(*this, false);
        return Pulled::ended;
    }
    if (!closed_) return Pulled::empty;
    why = failure();
    call_ = nullptr;
    return Pulled::failed;
}

void Stream::drop(bool silent) noexcept {
    call_ = nullptr;
    feed_.reset();
    if (!closed_) connection_.drop(*this, silent);
}

void Stream::on_feed() {
    if (closed_) return;
    nghttp2_session_resume_data(connection_.session(), id_);
    connection_.submitted();
}

ssize_t Stream::produce(std::uint8_t* into, std::size_t room, std::uint32_t& flags) {
    if (!call_) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    call_->heard();
    std::string_view rest;
    if (!feed_ && !source_ended_) {
        rest = std::string_view(call_->request().body).substr(sent_);
    } else {
        if (piece_sent_ == piece_.size() && feed_) {
            piece_.clear();
            piece_sent_ = 0;
            auto pulled = Pulled::more;
            while (pulled == Pulled::more && piece_.size() < kPieceBytes) pulled = feed_->pull(piece_);
            if (pulled == Pulled::failed) {
                source_failed_ = true;
                return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // resets the stream: this is not its end
            }
            if (pulled == Pulled::ended) {
                feed_.reset();
                source_ended_ = true;
            } else if (piece_.empty()) {
                return NGHTTP2_ERR_DEFERRED;
            }
        }
        rest = std::string_view(piece_).substr(piece_sent_);
    }
    const std::size_t size = std::min(room, rest.size());
    std::memcpy(into, rest.data(), size);
    (feed_ || source_ended_ ? piece_sent_ : sent_) += size;
    if (size == rest.size() && !feed_) flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(size);
}

}  // namespace acp::client
