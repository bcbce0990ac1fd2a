#include "wire/http2/stream.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <vector>

#include "alphaswarm-cp/stream.h"
#include "base/bytes.h"
#include "wire/http2/server.h"
#include "wire/websocket/handshake.h"

namespace acp::wire::http2 {

namespace {

/// How much a streamed answer is asked for ahead of what is sent.
constexpr std::size_t kPieceBytes = 64 * 1024;
constexpr std::size_t kDiscardBytes = 1U << 20;
/// RFC 9113 section 6.5.2: what a field counts beside its name and value.
constexpr std::size_t kFieldOverhead = 32;

std::string_view view(nghttp2_rcbuf* buffer) noexcept {
    const nghttp2_vec bytes = nghttp2_rcbuf_get_buf(buffer);
    return {reinterpret_cast<const char*>(bytes.base), bytes.len};
}

/// RFC 9113 section 8.2.2: what belongs to a connection has no place here.
bool is_connection_field(std::string_view lower) noexcept {
    return lower == "connection" || lower == "keep-alive" || lower == "proxy-connection" ||
           lower == "transfer-encoding" || lower == "upgrade";
}

/// The head of an answer as nghttp2 wants it. Names are literals and are not
/// copied; values are, as they may go before the frame is made.
class Head {
public:
    explicit Head(int status) {
        std::to_chars(status_.data(), status_.data() + status_.size(), status);
        add(":status", {status_.data(), 3}, NGHTTP2_NV_FLAG_NONE);
    }
    void add(std::string_view name, std::string_view value, std::uint8_t flags = NGHTTP2_NV_FLAG_NONE) {
        fields_.push_back(field(name, value, static_cast<std::uint8_t>(flags | NGHTTP2_NV_FLAG_NO_COPY_NAME)));
    }
    void add_foreign(const std::string& name, const std::string& value) {
        fields_.push_back(field(name, value, NGHTTP2_NV_FLAG_NONE));
    }
    const nghttp2_nv* data() const noexcept { return fields_.data(); }
    std::size_t size() const noexcept { return fields_.size(); }

private:
    static nghttp2_nv field(std::string_view name, std::string_view value, std::uint8_t flags) noexcept {
        // nghttp2 does not write to them.
        return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
                reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(), flags};
    }
    std::array<char, 4> status_{};
    boost::container::small_vector<nghttp2_nv, 12> fields_;
};

}  // namespace

Stream::~Stream() {
    for (nghttp2_rcbuf* buffer : held_) nghttp2_rcbuf_decref(buffer);
}

Loop& Stream::loop() noexcept {
    return server_.connection().loop();
}

bool Stream::add_field(nghttp2_rcbuf* name_buffer, nghttp2_rcbuf* value_buffer) {
    const std::string_view name = view(name_buffer);
    const std::string_view value = view(value_buffer);
    head_bytes_ += name.size() + value.size() + kFieldOverhead;
    if (head_bytes_ > server_.limits().header_bytes || fields_.size() == server_.limits().header_fields)
        too_large_ = true;
    if (too_large_) return true;  // answered once the block, which keeps HPACK's state, is through
    held_.push_back(name_buffer);
    nghttp2_rcbuf_incref(name_buffer);
    held_.push_back(value_buffer);
    nghttp2_rcbuf_incref(value_buffer);
    if (name.starts_with(':')) return set_pseudo(name, value);
    if (name == "host") {
        if (has_host_ || !http1::is_authority(value)) return false;
        has_host_ = true;
        if (!has_authority_) request_.authority = value;
        return !has_authority_ || http1::equals_ci(value, ascii_lower(request_.authority));
    }
    if (name == "content-length") std::from_chars(value.data(), value.data() + value.size(), declared_);
    if (name == "cookie") ++cookie_count_;
    fields_.push_back({name, value});
    return true;
}

/// The library has checked which of them there are, and the order.
bool Stream::set_pseudo(std::string_view name, std::string_view value) noexcept {
    if (name == ":method") {
        request_.method = value;
        return http1::is_token(value);
    }
    if (name == ":path") {
        request_.target = value;
        return http1::is_target(value) && (value.front() == '/' || value == "*");
    }
    if (name == ":authority") {
        request_.authority = value;
        has_authority_ = true;
        return http1::is_authority(value);
    }
    if (name == ":protocol") {
        tunnel_ = value == "websocket";
        return tunnel_;
    }
    return name != ":scheme" || value == "http" || value == "https";
}

bool Stream::end_head(bool end_stream) {
    progress_ns_ = loop().now_ns();
    data_ended_ = end_stream;
    if (too_large_) {
        state_ = State::ready;
        return true;
    }
    if (tunnel_) {
        if (end_stream) return false;
        request_.method = "GET";  // what the same request is on HTTP/1.1
        request_.websocket = true;
    }
    if (request_.target.empty()) request_.target = request_.authority;  // CONNECT
    if (request_.target == "*" && request_.method != "OPTIONS") return false;
    join_cookies();
    request_.fields = {fields_.data(), fields_.size()};
    request_.has_body = !end_stream && !tunnel_;
    state_ = State::ready;
    return true;
}

/// RFC 9113 section 8.2.3: pieces of one Cookie field become one again.
void Stream::join_cookies() {
    const auto is_cookie = [](const http1::Field& field) { return field.name == "cookie"; };
    if (cookie_count_ < 2) return;
    for (const auto& field : fields_)
        if (is_cookie(field)) (cookies_.empty() ? cookies_ : cookies_ += "; ") += field.value;
    fields_.erase(std::remove_if(fields_.begin(), fields_.end(), is_cookie), fields_.end());
    fields_.push_back({"cookie", cookies_});
}

void Stream::add_data(std::string_view bytes) {
    progress_ns_ = loop().now_ns();
    if (tunnel_ && (websocket_ || state_ != State::answered)) {
        received_ += bytes;
        body_held_ += bytes.size();
        return;
    }
    if (state_ == State::answered) {
        // A request that was answered before its end. RFC 9113 section 8.1 has it
        // reset at once, but to clients that are about to finish that looks like
        // a failure; so what comes is dropped, within limits.
        server_.consumed(id_, bytes.size());
        discarded_ += bytes.size();
        if (discarded_ > kDiscardBytes) reset(NGHTTP2_NO_ERROR);
        return;
    }
    body_ += bytes;
    body_held_ += bytes.size();
}

void Stream::proceed() {
    if (state_ == State::ready) {
        state_ = State::handling;
        server_.count_request();
        take_request_id();
        request_.peer = server_.connection().peer();
        request_.certificate = server_.connection().certificate();
        request_.secure = server_.connection().is_secure();
        const std::string_view expect = request_.field("expect");
        if (too_large_)
            refuse(431, "head_too_large");
        else if (request_.target.size() > server_.limits().target_bytes)
            refuse(414, "target_too_long");
        else if (request_.authority.empty())
            refuse(400, "missing_host");
        else if (expect.data() && !http1::equals_ci(expect, "100-continue"))
            refuse(417, "bad_expect");
        else
            begin();
    }
    if (state_ == State::body) take_body();
    if (websocket_) receive_messages();
}

void Stream::take_request_id() {
    std::string_view id = request_.field("x-request-id");
    if (!acceptable_request_id(id)) id = loop().next_request_id();
    std::copy(id.begin(), id.end(), request_id_.begin());
    request_.request_id = {request_id_.data(), id.size()};
}

void Stream::read_body(std::uint64_t limit, std::function<void(std::string)> done) {
    if (!request_.has_body) {
        done({});
        return;
    }
    if (declared_ > 0 && static_cast<std::uint64_t>(declared_) > limit) {
        refuse(413, "body_too_large");
        return;
    }
    progress_ns_ = loop().now_ns();
    body_limit_ = limit;
    body_done_ = std::move(done);
    state_ = State::body;
    if (body_.empty() && !data_ended_ && request_.field("expect").data()) {
        const Head head(100);
        nghttp2_submit_headers(server_.session(), NGHTTP2_FLAG_NONE, id_, nullptr, head.data(), head.size(), nullptr);
    }
    server_.reads_on(id_);
}

void Stream::take_body() {
    if (body_.size() > body_limit_) {
        refuse(413, "body_too_large");
        return;
    }
    server_.consumed(id_, std::exchange(body_held_, 0));
    if (!data_ended_) return;
    state_ = State::handling;
    auto done = std::exchange(body_done_, nullptr);
    done(std::exchange(body_, {}));
}

Responder Stream::defer() {
    control_ = std::make_shared<Responder::Control>();
    control_->loop = &loop();
    control_->target = this;
    state_ = State::deferred;
    return Responder(control_);
}

void Stream::complete(http::Response response) {
    control_->target = nullptr;
    control_.reset();
    state_ = State::handling;
    respond(std::move(response));
}

void Stream::resumed(const std::function<void(Exchange&)>& task) {
    control_->target = nullptr;
    control_.reset();
    state_ = State::handling;
    task(*this);
}

void Stream::refuse(int status, std::string_view slug) {
    respond(server_.application().on_refusal(status, slug, request_.request_id));
}

void Stream::respond(http::Response response) {
    if (state_ == State::answered) return;
    if (tunnel_ && !response.port && response.status / 100 == 2)
        response =
            server_.application().on_refusal(501, "no_websocket", request_.request_id);  // 2xx would open a tunnel
    if (response.port) {
        start_websocket(std::move(response));
        return;
    }
    state_ = State::answered;
    body_done_ = nullptr;
    server_.consumed(id_, std::exchange(body_held_, 0));
    Counters& counters = server_.connection().counters();
    counters.responses.at(static_cast<std::size_t>(std::clamp(response.status / 100, 0, 5))).add();
    const bool head_only = request_.method == "HEAD" || !http::may_have_content(response.status);
    if (response.source && head_only) {
        response.source->cancel(ACP_CLOSE_FINISHED);
        response.source.reset();
        submit(response, true);
    } else if (response.source) {
        body_.clear();
        feed_ = std::make_unique<Feed>(loop(), std::move(response.source), static_cast<Feed::Listener&>(*this));
        submit(response, false);
    } else {
        submit(response, head_only || response.body.empty());
        body_ = std::move(response.body);
    }
    server_.submitted();
}

void Stream::begin() {
    if (tunnel_) {
        const websocket::Upgrade verdict = check_handshake({});
        if (!verdict.accepted()) return refuse(verdict.status, verdict.refusal);
    }
    server_.application().on_request(*this);
}

websocket::Upgrade Stream::check_handshake(const std::string& subprotocol) const {
    const websocket::UpgradeRequest asked{
        tunnel_ ? "CONNECT" : request_.method, 2, 0, tunnel_ ? "websocket" : "",
        [this](std::string_view name, std::size_t index) -> std::optional<std::string_view> {
            for (const http1::Field& field : fields_)
                if (field.name == name && index-- == 0) return field.value;
            return std::nullopt;
        }};
    websocket::UpgradeOptions offered;
    if (!subprotocol.empty()) offered.subprotocols = {subprotocol};
    offered.deflate.emplace();
    return websocket::check_upgrade(asked, offered);
}

void Stream::start_websocket(http::Response response) {
    websocket::Upgrade verdict = check_handshake(response.subprotocol);
    if (!verdict.accepted()) {  // a handler that went over to messages unasked
        response.port->cancel(ACP_CLOSE_LISTENER);
        refuse(verdict.status, verdict.refusal);
        return;
    }
    Counters& counters = server_.connection().counters();
    counters.websockets.add();
    counters.responses.at(2).add();
    state_ = State::answered;
    response.status = verdict.status;
    for (auto& [name, value] : verdict.fields) response.fields.emplace_back(name, std::move(value));
    websocket_ = std::make_unique<WebSocketSession>(
        static_cast<WebSocketSession::Transport&>(*this), std::move(response.port), verdict.deflate,
        WebSocketSession::Limits{server_.limits().message_bytes, server_.limits().ping_ms});
    submit(response, false);
    receive_messages();
    server_.submitted();
}

void Stream::receive_messages() {
    if (!received_.empty()) {
        const std::size_t used = websocket_->receive(received_);
        received_.erase(0, used);
        server_.consumed(id_, used);
        body_held_ -= used;
    }
    if (data_ended_ && received_.empty() && !finishing_) {
        websocket_->gone(ACP_CLOSE_LISTENER);
        finishing_ = true;
    }
    if (body_.size() > body_sent_ || finishing_) send_messages();
}

void Stream::send_messages() {
    has_more_ = true;
    nghttp2_session_resume_data(server_.session(), id_);
    server_.submitted_later();
}

void Stream::resume() {
    receive_messages();
    send_messages();
}

void Stream::finish() {
    finishing_ = true;
    send_messages();
}

void Stream::submit(const http::Response& response, bool head_only) {
    Head head(response.status);
    std::array<char, 20> length{};
    std::vector<std::string> names;
    names.reserve(response.fields.size());
    head.add("date", loop().date());
    if (!response.content_type.empty()) head.add("content-type", response.content_type);
    if (http::may_have_content(response.status) && !feed_ && !websocket_ &&
        (!head_only || request_.method == "HEAD" || response.body.empty())) {
        const auto end = std::to_chars(length.data(), length.data() + length.size(), response.body.size()).ptr;
        head.add("content-length", {length.data(), static_cast<std::size_t>(end - length.data())});
    }
    // New every time: kept out of HPACK's table, where it would push out the others.
    head.add("x-request-id", request_.request_id, NGHTTP2_NV_FLAG_NO_INDEX);
    for (const auto& [name, value] : response.fields) {
        if (!http1::is_token(name) || !http1::is_field_value(value)) continue;
        names.push_back(ascii_lower(name));
        if (!is_connection_field(names.back())) head.add_foreign(names.back(), value);
    }
    const nghttp2_data_provider body = Server::body_of(*this);
    has_more_ = !head_only;
    nghttp2_submit_response(server_.session(), id_, head.data(), head.size(), head_only ? nullptr : &body);
}

ssize_t Stream::produce(std::uint8_t* into, std::size_t room, std::uint32_t& flags) {
    if (websocket_ && body_sent_ == body_.size()) {
        body_.clear();
        body_sent_ = 0;
        websocket_->produce();
        if (body_.empty() && !finishing_) {
            has_more_ = false;
            return NGHTTP2_ERR_DEFERRED;
        }
    }
    if (feed_ && body_sent_ == body_.size()) {
        body_.clear();
        body_sent_ = 0;
        auto pulled = http::BodySource::Pulled::more;
        while (pulled == http::BodySource::Pulled::more && body_.size() < kPieceBytes) pulled = feed_->pull(body_);
        if (pulled == http::BodySource::Pulled::failed) {
            server_.connection().counters().aborted_streams.add();
            feed_.reset();
            has_more_ = false;
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // resets the stream: this is not its end
        }
        if (pulled == http::BodySource::Pulled::ended) feed_.reset();
        if (body_.empty() && feed_) {
            has_more_ = false;
            return NGHTTP2_ERR_DEFERRED;
        }
    }
    const std::size_t size = std::min(room, body_.size() - body_sent_);
    std::memcpy(into, body_.data() + body_sent_, size);
    progress_ns_ = loop().now_ns();
    body_sent_ += size;
    if (body_sent_ == body_.size() && !feed_ && (!websocket_ || finishing_)) {
        flags |= NGHTTP2_DATA_FLAG_EOF;
        has_more_ = false;
    }
    return static_cast<ssize_t>(size);
}

void Stream::on_feed() {
    has_more_ = true;
    nghttp2_session_resume_data(server_.session(), id_);
    server_.submitted();
}

void Stream::on_heartbeat() {
    if (has_more_ || body_sent_ < body_.size()) return;
    body_.clear();
    body_sent_ = 0;
    feed_->heartbeat(body_);
    if (!body_.empty()) on_feed();
}

void Stream::closed(bool by_peer) {
    if (control_) {
        control_->target = nullptr;
        if (by_peer) control_->gone.store(true, std::memory_order_relaxed);
        control_.reset();
    }
    body_done_ = nullptr;
    feed_.reset();
    if (websocket_) websocket_->gone(ACP_CLOSE_LISTENER);
    state_ = State::answered;
    if (body_held_ > 0) nghttp2_session_consume_connection(server_.session(), std::exchange(body_held_, 0));
}

void Stream::reset(std::uint32_t error_code) noexcept {
    nghttp2_submit_rst_stream(server_.session(), NGHTTP2_FLAG_NONE, id_, error_code);
}

void Stream::cut(int reason) {
    if (websocket_ && reason == ACP_CLOSE_SHUTDOWN) {
        websocket_->shut_down();
        send_messages();
    } else if (websocket_) {
        websocket_->gone(reason);
        finish();
    }
    if (!feed_) return;
    feed_->stop(reason);
    feed_.reset();
    has_more_ = false;
    reset(NGHTTP2_CANCEL);
}

}  // namespace acp::wire::http2
