#include "wire/http1/server.h"

#include <algorithm>
#include <charconv>

#include "alphaswarm-cp/stream.h"
#include "wire/http1/head_writer.h"

namespace acp::wire::http1 {

namespace {

/// Streamed output is produced up to this much ahead of the socket.
constexpr std::size_t kOutputAhead = 64 * 1024;
/// One connection may keep the loop this long before others get their turn.
constexpr std::size_t kPumpBytes = 1024 * 1024;
constexpr std::uint64_t kRequestsPerTurn = 64;
/// Bytes of an answer's head without unusual fields.
constexpr std::size_t kUsualHead = 256;
/// A body is read in pieces of at least this; the buffer has it behind the largest head.
constexpr std::size_t kBodyRoom = 4096;

}  // namespace

Server::Server(Connection& connection, Application& application, const Limits& limits)
    : connection_(connection), application_(application), limits_(limits) {}

Server::~Server() = default;

void Server::drain() {
    draining_ = true;
    if (state_ == State::head && connection_.input().empty()) {
        if (connection_.output_pending() > 0)
            connection_.close_after_flush();  // the last answer is still on its way
        else
            connection_.arm(loop().linger_timeouts);  // a request may be on its way: it is answered, with "close"
    } else if (state_ == State::streaming) {
        // A follower would never end by itself; it can resume elsewhere.
        if (feed_) feed_->stop(ACP_CLOSE_SHUTDOWN);
        connection_.abort();
    }
}

void Server::on_readable() {
    if (state_ == State::streaming && connection_.peer_ended()) {
        connection_.abort();  // a listener that has hung up wants no more lines
        return;
    }
    process();
}

void Server::process() {
    if (processing_) return;
    processing_ = true;
    const std::uint64_t served_before = served_;
    bool yield = false;
    while (!connection_.closing() && (state_ == State::head || state_ == State::body)) {
        // A peer that asks and does not read gets no more answers until it does.
        if (state_ == State::head && connection_.output_pending() >= kOutputAhead) {
            connection_.flush();
            if (connection_.output_pending() > 0) break;
        }
        if (state_ == State::head && connection_.input().empty()) {
            if (!connection_.may_fill_input()) break;  // the usual end of a turn
            connection_.reset_input_to(0);             // the whole buffer is free again
            if (!connection_.fill_input()) break;
            continue;
        }
        const bool progress = state_ == State::head ? begin_exchange() : read_more_body();
        if (upgraded_) return;
        if (!progress && !connection_.fill_input()) break;
        if (served_ - served_before >= kRequestsPerTurn) {
            yield = true;
            break;
        }
    }
    processing_ = false;
    if (connection_.closed()) return;
    if (state_ == State::streaming) {
        pump();
    } else if (connection_.output_pending() > 0) {
        connection_.flush();
    }
    if (connection_.closing()) return;
    if (yield)
        connection_.yield_turn();
    else
        wait_for_more();
}

/// Nothing more can be done now: who waits for what, and until when.
void Server::wait_for_more() {
    if (state_ != State::head) return;
    if (connection_.output_pending() > 0) {
        connection_.release_input();  // on_flushed comes back here
        return;
    }
    if (connection_.input_ended()) {
        connection_.close_after_flush();
        return;
    }
    if (connection_.input().empty()) {
        connection_.release_input();
        if (draining_) {
            if (!connection_.armed_in(loop().linger_timeouts)) connection_.arm(loop().linger_timeouts);
            return;
        }
        // From the last answer on: part of a TLS record is no request yet.
        if (served_ > 0 && (idle_since_ != served_ || !connection_.armed_in(loop().idle_timeouts))) {
            connection_.arm(loop().idle_timeouts);
            idle_since_ = served_;
        }
    } else if (!connection_.armed_in(loop().header_timeouts)) {
        // The limit runs from a head's first byte: more bytes do not extend it.
        connection_.arm(loop().header_timeouts);
    }
}

/// Parses the next head and hands it up. False: nothing to do until more comes.
bool Server::begin_exchange() {
    Refusal refusal = Refusal::none;
    const HeadLimits limits{limits_.header_bytes, limits_.header_fields, limits_.target_bytes};
    if (served_ == 0 && connection_.input().starts_with("PRI") && begin_http2()) return false;
    if (!head_) head_ = loop().borrow_head();
    head_->method = {};
    switch (parse_request(connection_.input(), limits, scanned_, *head_, refusal)) {
        case Parse::incomplete:
            loop().give_back(std::move(head_));
            connection_.compact_input();
            return false;
        case Parse::refused:
            connection_.counters().refused.at(static_cast<std::size_t>(refusal)).add();
            request_.method = head_->method;
            refuse(refusal_status(refusal), refusal_name(refusal));
            return false;
        case Parse::complete:
            break;
    }
    const bool has_body = head_->framing == Framing::chunked || head_->content_length > 0;
    if (has_body && connection_.input_position() > 0 && connection_.input_room() + connection_.input().size() - head_->size < kBodyRoom) {
        // The head must not move while it is served: room for the body is made now.
        connection_.compact_input();
        scanned_ = 0;
        return begin_exchange();
    }
    // The limit on idleness may stay: who does not answer at once disarms it.
    if (!connection_.armed_in(loop().idle_timeouts)) connection_.disarm_unless_writing();
    connection_.counters().requests.add();
    scanned_ = 0;
    connection_.consume(head_->size);
    head_end_ = connection_.input_position();
    request_.method = head_->method;
    request_.target = head_->target;
    request_.authority = head_->authority;
    request_.fields = {head_->fields.data(), head_->field_count};
    request_.has_body = has_body;
    request_.websocket = head_->upgrade && !has_body && head_->method == "GET" && list_has(head_->field("upgrade"), "websocket");
    if (request_.peer.empty()) {
        request_.peer = connection_.peer();
        request_.certificate = connection_.certificate();
        request_.secure = connection_.is_secure();
    }
    take_request_id();
    body_unread_ = request_.has_body;
    state_ = State::handling;
    if (request_.websocket && !judge_handshake()) return false;
    // RFC 9110 section 7.4: nobody may be made to believe that plain bytes were secure.
    if (!head_->scheme.empty() && equals_ci(head_->scheme, "https") != connection_.is_secure()) {
        refuse(421, "wrong_scheme");
        return false;
    }
    application_.on_request(*this);
    return true;
}

void Server::take_request_id() {
    std::string_view id = request_.field("x-request-id");
    if (!acceptable_request_id(id)) id = loop().next_request_id();
    request_id_size_ = id.size();
    std::copy(id.begin(), id.end(), request_id_.begin());
    request_.request_id = {request_id_.data(), request_id_size_};
}

void Server::read_body(std::uint64_t limit, std::function<void(std::string)> done) {
    body_.clear();
    if (!request_.has_body) {
        done({});
        return;
    }
    if (head_->framing == Framing::length && head_->content_length > limit) {
        refuse(413, "body_too_large");
        return;
    }
    body_limit_ = limit;
    body_left_ = head_->content_length;
    body_done_ = std::move(done);
    chunks_ = ChunkDecoder();
    if (head_->expect_continue && connection_.input().empty()) {
        connection_.output() += "HTTP/1.1 100 Continue\r\n\r\n";
        connection_.flush();
        if (connection_.closed()) return;
    }
    state_ = State::body;
    connection_.arm(loop().body_timeouts);
    process();
}

/// Moves what has arrived into the body. False: wait for more.
bool Server::read_more_body() {
    if (head_->framing == Framing::length) {
        std::string_view part =
            connection_.input().substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(body_left_, connection_.input().size())));
        body_.append(part);
        body_left_ -= part.size();
        connection_.consume(part.size());
        if (body_left_ == 0) return body_complete();
    } else {
        for (;;) {
            auto step = chunks_.step(connection_.input());
            if (step.state == ChunkDecoder::State::data) {
                if (body_.size() + step.data.size() > body_limit_) {
                    refuse(413, "body_too_large");
                    return false;
                }
                body_.append(step.data);
            }
            connection_.consume(step.consumed);
            if (step.state == ChunkDecoder::State::done) return body_complete();
            if (step.state == ChunkDecoder::State::refused) {
                connection_.counters().refused.at(static_cast<std::size_t>(chunks_.refusal())).add();
                refuse(refusal_status(chunks_.refusal()), refusal_name(chunks_.refusal()));
                return false;
            }
            if (step.state == ChunkDecoder::State::more) break;
        }
    }
    if (connection_.input_ended()) {
        connection_.abort();  // a truncated body is never handed up
        return false;
    }
    // The head's bytes stay: the request's views point into them.
    if (connection_.input().empty()) connection_.reset_input_to(head_end_);
    connection_.arm(loop().body_timeouts);
    return false;
}

bool Server::body_complete() {
    body_unread_ = false;
    state_ = State::handling;
    connection_.disarm_unless_writing();
    auto done = std::exchange(body_done_, nullptr);
    done(std::move(body_));
    return true;
}

Responder Server::defer() {
    control_ = std::make_shared<Responder::Control>();
    control_->loop = &loop();
    control_->target = this;
    state_ = State::deferred;
    connection_.disarm_unless_writing();
    return Responder(control_);
}

void Server::complete(http::Response response) {
    forget_responder(false);
    state_ = State::handling;
    respond(std::move(response));
}

void Server::resumed(const std::function<void(Exchange&)>& task) {
    forget_responder(false);
    state_ = State::handling;
    task(*this);
}

void Server::respond(http::Response response) {
    if (connection_.closing()) return;
    const bool asked_enough = limits_.requests_per_connection != 0 && served_ + 1 >= limits_.requests_per_connection;
    const bool keep_alive = head_->keep_alive && !response.close && !body_unread_ && !draining_ && !asked_enough;
    connection_.counters().responses.at(static_cast<std::size_t>(std::clamp(response.status / 100, 0, 5))).add();
    if (response.port) {
        start_websocket(std::move(response));
        return;
    }
    if (response.source) {
        start_streaming(std::move(response), keep_alive);
    } else {
        send_head(response, false, keep_alive);
        if (http::may_have_content(response.status) && head_->method != "HEAD") connection_.output() += response.body;
        end_exchange(keep_alive);
    }
    process();
}

void Server::refuse(int status, std::string_view slug) {
    if (request_id_size_ == 0) {
        auto id = loop().next_request_id();
        request_id_size_ = id.size();
        std::copy(id.begin(), id.end(), request_id_.begin());
    }
    request_.request_id = {request_id_.data(), request_id_size_};
    http::Response response = application_.on_refusal(status, slug, request_.request_id);
    connection_.counters().responses.at(static_cast<std::size_t>(std::clamp(status / 100, 0, 5))).add();
    state_ = State::handling;
    send_head(response, false, false);
    // RFC 9110 section 9.3.2: not even then.
    if (request_.method != "HEAD") connection_.output() += response.body;
    end_exchange(false);
}

void Server::send_head(const http::Response& response, bool chunked, bool keep_alive) {
    HeadWriter head(connection_.output(), kUsualHead + response.body.size());
    if (response.status == 200)
        head << "HTTP/1.1 200 OK\r\n";
    else
        head << "HTTP/1.1 " << static_cast<std::uint64_t>(response.status) << " " << http::reason(response.status) << "\r\n";
    head << loop().date_line();
    if (!response.content_type.empty()) head << "Content-Type: " << response.content_type << "\r\n";
    if (chunked)
        head << "Transfer-Encoding: chunked\r\n";
    else if (http::may_have_content(response.status) && !response.source)
        head << "Content-Length: " << std::uint64_t{response.body.size()} << "\r\n";
    head << "X-Request-Id: " << request_.request_id << "\r\n";
    for (const auto& [name, value] : response.fields) {
        // A value that came from outside must not start a field of its own.
        if (is_token(name) && is_field_value(value)) head << name << ": " << value << "\r\n";
    }
    if (response.status == 426)  // RFC 9110 section 7.8: Upgrade goes with the option
        head << (keep_alive ? "Connection: upgrade\r\n" : "Connection: close, upgrade\r\n");
    else if (!keep_alive)
        head << "Connection: close\r\n";
    else if (head_->minor == 0)
        head << "Connection: keep-alive\r\n";
    head << "\r\n";
}

void Server::start_streaming(http::Response response, bool keep_alive) {
    // HTTP/1.0 knows no chunks: there the end of the connection ends the body.
    stream_chunked_ = head_->minor >= 1;
    stream_keep_alive_ = keep_alive && stream_chunked_;
    send_head(response, stream_chunked_, stream_keep_alive_);
    if (head_->method == "HEAD") {
        response.source->cancel(ACP_CLOSE_FINISHED);
        end_exchange(stream_keep_alive_);
        return;
    }
    state_ = State::streaming;
    loop().give_back(std::move(head_));
    connection_.disarm_unless_writing();
    feed_ = std::make_unique<Feed>(loop(), std::move(response.source), static_cast<Feed::Listener&>(*this));
}

void Server::append_chunk(std::string_view payload) {
    if (payload.empty()) return;
    Buffer& out = connection_.output();
    if (stream_chunked_) {
        char* const size = out.tail(16);
        out.commit(std::to_chars(size, size + 16, payload.size(), 16).ptr);
        out += "\r\n";
    }
    out += payload;
    if (stream_chunked_) out += "\r\n";
}

void Server::pump() {
    if (state_ != State::streaming || connection_.closing()) return;
    std::size_t produced = 0;
    for (;;) {
        auto pulled = http::BodySource::Pulled::more;
        while (pulled == http::BodySource::Pulled::more && connection_.output_pending() < kOutputAhead) {
            piece_.clear();
            pulled = feed_->pull(piece_);
            append_chunk(piece_);
            produced += piece_.size();
        }
        if (pulled == http::BodySource::Pulled::ended) {
            if (stream_chunked_) connection_.output() += "0\r\n\r\n";
            feed_.reset();
            end_exchange(stream_keep_alive_);
            process();
            return;
        }
        if (pulled == http::BodySource::Pulled::failed) {
            // No last chunk: the listener must see that this is not the end.
            connection_.counters().aborted_streams.add();
            feed_.reset();
            connection_.close_after_flush();
            return;
        }
        connection_.flush();
        if (connection_.closed() || connection_.output_pending() > 0 || pulled == http::BodySource::Pulled::empty) return;
        if (produced > kPumpBytes) {
            feed_->again();
            return;
        }
    }
}

void Server::on_heartbeat() {
    if (state_ != State::streaming || connection_.closing() || connection_.output_pending() > 0) return;
    piece_.clear();
    feed_->heartbeat(piece_);
    append_chunk(piece_);
    connection_.flush();
}

void Server::end_exchange(bool keep_alive) {
    ++served_;
    request_id_size_ = 0;
    if (head_) loop().give_back(std::move(head_));
    state_ = State::head;
    if (!keep_alive) connection_.close_after_flush();
}

void Server::forget_responder(bool client_gone) {
    if (!control_) return;
    control_->target = nullptr;
    if (client_gone) control_->gone.store(true, std::memory_order_relaxed);
    control_.reset();
}

void Server::on_flushed() {
    if (state_ == State::streaming)
        pump();
    else
        process();
}

void Server::on_limit(TimeoutList& list) {
    const bool late_head = &list == &loop().header_timeouts && !connection_.input().empty();
    if (late_head || &list == &loop().body_timeouts) {
        refuse(408, "request_timeout");
        return;
    }
    connection_.abort();
}

void Server::on_closing() {
    forget_responder(true);
    body_done_ = nullptr;
    feed_.reset();
}

}  // namespace acp::wire::http1
