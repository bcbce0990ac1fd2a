#include "client/http1.h"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

#include "alphaswarm-cp/stream.h"
#include "client/broken.h"
#include "client/pool.h"
#include "wire/http1/head_writer.h"

namespace acp::client {

namespace {

using Pulled = http::BodySource::Pulled;
using wire::http1::ChunkDecoder;
using wire::http1::Framing;
using wire::http1::Parse;

/// A request's body is produced up to this much ahead of the socket.
constexpr std::size_t kOutputAhead = 64 * 1024;
/// So much of an answer is read before who reads it gets a word.
constexpr std::size_t kPieceBytes = 64 * 1024;
constexpr std::size_t kHeadBytes = 65536;  ///< clouds answer with more than we accept from strangers
constexpr int kInterimMax = 16;

Error error_of(Code code, std::string slug, std::string message) {
    return fail(code, std::move(slug), std::move(message)).value();
}

}  // namespace

Http1::Http1(wire::Connection& connection, Pool& pool) : connection_(connection), pool_(pool) {}

Http1::~Http1() = default;

bool Http1::is_alive() noexcept {
    return connection_.is_quiet();
}

void Http1::begin(Call& call) {
    call_ = &call;
    stage_ = Stage::begun;
    call.carried_by(*this, used_);
    used_ = true;
    connection_.yield_turn();
}

void Http1::process() {
    if (stage_ == Stage::begun) {
        // What came before anything was asked is no answer; taken for one, it would
        // shift all answers by one (RFC 9112 section 9.2).
        if (connection_.fill_input()) {
            fail_call(connection_.input_ended() ? broken() : malformed("it came unasked"), Seen::unseen);
            return;
        }
        send_head();
    }
    if (stage_ == Stage::head && !read_head()) return;
    if (stage_ == Stage::body || stage_ == Stage::pipe) {
        if (call_) call_->arrived();
    } else if (stage_ == Stage::idle && connection_.fill_input()) {
        connection_.abort();  // its end, or bytes that nobody asked for
    }
}

void Http1::send_head() {
    const Request& request = call_->request();
    stage_ = Stage::head;
    scanned_ = 0;
    interim_ = 0;
    sent_ = 0;
    source_ended_ = false;
    {
        wire::http1::HeadWriter head(connection_.output(), 512);
        head << request.method << " " << request.target << " HTTP/1.1\r\nHost: " << request.authority << "\r\n";
        for (const auto& [name, value] : request.fields) head << name << ": " << value << "\r\n";
        const bool may_have_body = request.method != "GET" && request.method != "HEAD";
        if (request.source && !request.source_bytes)
            head << "Transfer-Encoding: chunked\r\n";
        else if (request.source || !request.body.empty() || may_have_body)
            head << "Content-Length: " << (request.source ? *request.source_bytes : request.body.size()) << "\r\n";
        if (request.upgrade) head << "Connection: Upgrade\r\n";
        head << "\r\n";
    }
    if (request.source)
        feed_ = std::make_unique<wire::Feed>(pool_.loop(), std::move(call_->request().source),
                                             static_cast<wire::Feed::Listener&>(*this));
    send_body();
}

/// As much of the body as the socket takes, together with what is before it.
void Http1::send_body() {
    if (!call_) return;
    const Request& request = call_->request();
    for (;;) {
        auto pulled = Pulled::empty;
        while (connection_.output_pending() < kOutputAhead) {
            if (!feed_) {
                const std::string_view part = std::string_view(request.body).substr(sent_, kOutputAhead);
                if (part.empty()) break;
                connection_.output() += part;
                sent_ += part.size();
                continue;
            }
            piece_.clear();
            pulled = feed_->pull(piece_);
            const bool chunked = !request.source_bytes;
            if (!piece_.empty() && chunked) {
                char size[16];
                connection_.output() += std::string_view(size, std::to_chars(size, size + 16, piece_.size(), 16).ptr);
                connection_.output() += "\r\n";
            }
            connection_.output() += piece_;
            if (!piece_.empty() && chunked) connection_.output() += "\r\n";
            if (pulled == Pulled::ended) {
                if (chunked) connection_.output() += "0\r\n\r\n";
                feed_.reset();
                source_ended_ = true;
                break;
            }
            if (pulled == Pulled::failed) {
                // Not to look complete, it must not end.
                feed_.reset();
                fail_call(error_of(Code::cancelled, "request_cut", "the request's body ended before its end"),
                          Seen::maybe);
                return;
            }
            if (pulled == Pulled::empty) break;
        }
        const bool some = connection_.output_pending() > 0;
        connection_.flush();
        if (connection_.closed() || connection_.output_pending() > 0) return;
        if (request_sent() || !some) return;
    }
}

bool Http1::request_sent() const noexcept {
    return !feed_ && sent_ == call_->request().body.size() && connection_.output_pending() == 0;
}

void Http1::on_feed() {
    send_body();
}

void Http1::on_flushed() {
    if (!call_) return;
    call_->heard();
    if (stage_ == Stage::pipe)
        call_->writable();
    else
        send_body();
}

/// False: nothing more can be done with the call now.
bool Http1::read_head() {
    if (!head_) head_ = std::make_unique<wire::http1::ResponseHead>();
    const wire::http1::HeadLimits limits{.bytes = std::min(kHeadBytes, connection_.loop().buffer_bytes()),
                                         .fields = wire::http1::kMaxFields,
                                         .target = 8192};
    for (;;) {
        auto refusal = wire::http1::Refusal::none;
        const Parse verdict = connection_.input().empty()
                                  ? Parse::incomplete
                                  : wire::http1::parse_response(connection_.input(), limits, scanned_,
                                                                call_->request().method, *head_, refusal);
        if (verdict == Parse::refused) {
            fail_call(malformed(wire::http1::refusal_name(refusal)), Seen::maybe);
            return false;
        }
        if (verdict == Parse::complete) {
            scanned_ = 0;
            if (head_->status / 100 != 1 || head_->status == 101) break;
            if (++interim_ > kInterimMax) {
                fail_call(malformed("too many interim responses"), Seen::maybe);
                return false;
            }
            call_->heard();
            call_->interim({head_->status, {head_->fields.data(), head_->field_count}, false});
            if (!call_) return false;
            connection_.consume(head_->size);
            continue;
        }
        connection_.compact_input();
        if (!connection_.fill_input()) {
            if (connection_.input().empty()) connection_.release_input();
            return false;
        }
        if (connection_.input_ended()) {
            if (connection_.input().empty())
                fail_call(broken(), seen());
            else
                fail_call(truncated("it ends inside the head"), Seen::maybe);
            return false;
        }
        call_->heard();
    }
    take_head();
    return call_ != nullptr;
}

void Http1::take_head() {
    const bool asked = call_->request().upgrade;
    if (head_->status == 101 && !asked) {
        fail_call(malformed("it switched protocols unasked"), Seen::maybe);
        return;
    }
    const bool hijacked = head_->status == 200 && head_->framing == Framing::until_close;
    const bool upgraded = asked && (head_->status == 101 || hijacked);
    stage_ = upgraded ? Stage::pipe : Stage::body;
    left_ = head_->framing == Framing::length ? head_->content_length : 0;
    taken_ = 0;
    chunks_ = ChunkDecoder();
    // The listener may read the body at once; the head's bytes stay until then.
    const std::size_t size = head_->size;
    connection_.consume(size);
    call_->head({head_->status, {head_->fields.data(), head_->field_count}, upgraded});
}

Pulled Http1::read(std::string& out, Error& why) {
    const std::size_t before = out.size();
    if (stage_ == Stage::begun || stage_ == Stage::head) return Pulled::empty;
    for (;;) {
        const std::string_view input = connection_.input();
        bool all = false;
        switch (stage_ == Stage::pipe ? Framing::until_close : head_->framing) {
            case Framing::none:
                all = true;
                break;
            case Framing::length: {
                const auto part = input.substr(0, std::min<std::uint64_t>(left_, input.size()));
                out += part;
                left_ -= part.size();
                connection_.consume(part.size());
                all = left_ == 0;
                break;
            }
            case Framing::chunked: {
                auto state = ChunkDecoder::State::data;
                while (state == ChunkDecoder::State::data && !connection_.input().empty()) {
                    const ChunkDecoder::Step step = chunks_.step(connection_.input());
                    state = step.state;
                    out += step.data;
                    connection_.consume(step.consumed);
                }
                if (state == ChunkDecoder::State::refused)
                    return refuse(why, malformed(wire::http1::refusal_name(chunks_.refusal())));
                all = state == ChunkDecoder::State::done;
                break;
            }
            case Framing::until_close:
                out += input;
                connection_.consume(input.size());
                break;
        }
        if (all) {
            taken_ += out.size() - before;
            complete();
            return Pulled::ended;
        }
        if (out.size() - before >= kPieceBytes) break;
        connection_.reset_input_to(0);
        if (connection_.input_ended()) {
            taken_ += out.size() - before;
            return at_end(why);
        }
        if (!connection_.fill_input()) {
            connection_.release_input();
            break;
        }
        call_->heard();
    }
    taken_ += out.size() - before;
    return out.size() > before ? Pulled::more : Pulled::empty;
}

/// The peer's end, where the framing has not said so.
Pulled Http1::at_end(Error& why) {
    const bool to_the_end = stage_ == Stage::pipe || head_->framing == Framing::until_close;
    if (to_the_end && connection_.ended_cleanly()) {
        complete();
        return Pulled::ended;
    }
    if (to_the_end) return refuse(why, truncated(broken().message));
    if (head_->framing == Framing::length)
        return refuse(why, truncated(std::to_string(taken_) + " of " + std::to_string(head_->content_length) +
                                     " bytes came"));
    return refuse(why, truncated("the last chunk did not come"));
}

Pulled Http1::refuse(Error& why, Error error) {
    why = std::move(error);
    call_ = nullptr;
    connection_.abort();
    return Pulled::failed;
}

void Http1::fail_call(Error error, Seen seen) {
    Call* const call = std::exchange(call_, nullptr);
    stage_ = Stage::idle;
    connection_.abort();
    if (call) call->failed(std::move(error), seen);
}

/// The answer is complete. The connection serves another call if nothing is
/// left over on it in either direction.
void Http1::complete() {
    const bool reusable = stage_ == Stage::body && head_->keep_alive && head_->framing != Framing::until_close &&
                          request_sent() && connection_.input().empty() && !connection_.peer_ended() &&
                          connection_.error() == 0 && !connection_.fill_input();
    std::exchange(call_, nullptr)->complete();
    stage_ = Stage::idle;
    feed_.reset();
    head_.reset();
    if (!reusable) {
        connection_.abort();
        return;
    }
    connection_.release_input();
    idle_since_ns_ = pool_.loop().now_ns();
    pool_.idle(*this);
}

bool Http1::write(std::string_view bytes) {
    connection_.output() += bytes;
    connection_.flush();
    return connection_.takes_output();
}

void Http1::drop(bool) noexcept {
    call_ = nullptr;
    connection_.abort();
}

void Http1::on_closing() {
    feed_.reset();
    pool_.ended(*this);
    if (Call* const call = std::exchange(call_, nullptr)) call->failed(broken(), seen());
}

Seen Http1::seen() const noexcept {
    return interim_ == 0 && connection_.input().empty() && stage_ <= Stage::head ? Seen::unanswered : Seen::maybe;
}

Error Http1::malformed(std::string_view what) const {
    return error_of(Code::provider_error, "bad_upstream_answer",
                    "the answer of " + pool_.place() + " is refused: " + std::string(what));
}

Error Http1::truncated(const std::string& what) const {
    return error_of(Code::provider_error, "truncated_answer",
                    "the answer of " + pool_.place() + " is truncated: " + what);
}

Error Http1::broken() const {
    if (connection_.error() != 0)
        return error_of(Code::unavailable, "upstream_reset",
                        "the connection to " + pool_.place() +
                            " broke: " + std::generic_category().message(connection_.error()));
    if (auto in_tls = broken_in_tls(connection_, pool_.place())) return std::move(*in_tls);
    if (!connection_.ended_cleanly())
        return error_of(Code::unavailable, "upstream_reset",
                        "the connection to " + pool_.place() + " ended without TLS's close");
    return error_of(Code::unavailable, "upstream_closed", pool_.place() + " closed the connection without an answer");
}

}  // namespace acp::client
