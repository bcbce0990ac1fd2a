// wire/http2: one stream: a request and its answer (RFC 9113 section 8.1).
#pragma once

#include <array>
#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <string_view>

#include "wire/exchange.h"
#include "wire/feed.h"
#include "wire/http2/memory.h"
#include "wire/http2/session.h"
#include "wire/websocket/handshake.h"
#include "wire/websocket_session.h"

namespace acp::wire::http2 {

class Server;

class Stream final : public Exchange,
                     private Responder::Target,
                     private Feed::Listener,
                     private WebSocketSession::Transport {
public:
    Stream(Server& server, std::int32_t id) noexcept : server_(server), id_(id) {}
    ~Stream();
    static void* operator new(std::size_t size) {
        if (void* block = take_block(size)) return block;
        throw std::bad_alloc();
    }
    static void operator delete(void* block) noexcept { give_block(block); }

    std::int32_t id() const noexcept { return id_; }

    // --- what the session reads
    /// A field of the request; `name` and `value` are held until the stream ends.
    /// False: the field is malformed and the stream is to be reset.
    bool add_field(nghttp2_rcbuf* name, nghttp2_rcbuf* value);
    /// The head is complete. False: malformed, as above.
    bool end_head(bool end_stream);
    void add_data(std::string_view bytes);
    void end_data() noexcept { data_ended_ = true; }
    /// Continues with what has been read, outside of the session's callbacks.
    void proceed();
    /// The stream is gone, answered or not.
    void closed(bool by_peer);
    /// Ends an answer that would go on for ever: the server shuts down, or the
    /// listener has left (`reason` is ACP_CLOSE_*).
    void cut(int reason);

    // --- what the session sends
    /// Body bytes into `into`; returns their number or an error of nghttp2.
    ssize_t produce(std::uint8_t* into, std::size_t room, std::uint32_t& flags);
    /// Whether it is the peer's turn: to send the rest of a body, or to open its
    /// window for the rest of an answer.
    bool awaits_peer() const noexcept {
        return has_more_ || (!data_ended_ && !websocket_ && (state_ == State::body || state_ == State::answered));
    }
    /// When the last byte of the request came or of the answer went, monotonic.
    std::int64_t progress_ns() const noexcept { return progress_ns_; }
    void reset(std::uint32_t error_code) noexcept;

    Stream* previous = nullptr;  // in the server's list of streams
    Stream* next = nullptr;

private:
    enum class State : std::uint8_t { head, ready, handling, body, deferred, answered };

    // Exchange
    const RequestView& request() const noexcept override { return request_; }
    Loop& loop() noexcept override;
    void respond(http::Response response) override;
    void read_body(std::uint64_t limit, std::function<void(std::string)> done) override;
    Responder defer() override;
    // Responder::Target
    void complete(http::Response response) override;
    void resumed(const std::function<void(Exchange&)>& task) override;
    // Feed::Listener
    void on_feed() override;
    void on_heartbeat() override;

    // WebSocketSession::Transport
    void send(std::string_view bytes) override { body_ += bytes; }
    std::size_t unsent() const noexcept override { return body_.size() - body_sent_; }
    void resume() override;
    void finish() override;

    bool set_pseudo(std::string_view name, std::string_view value) noexcept;
    void join_cookies();
    void take_request_id();
    void take_body();
    void refuse(int status, std::string_view slug);
    void begin();
    websocket::Upgrade check_handshake(const std::string& subprotocol) const;
    void start_websocket(http::Response response);
    void receive_messages();
    void send_messages();
    void submit(const http::Response& response, bool head_only);

    Server& server_;
    const std::int32_t id_;
    State state_ = State::head;
    bool has_authority_ = false;
    bool has_host_ = false;
    bool data_ended_ = false;
    bool has_more_ = false;
    bool tunnel_ = false;     ///< an extended CONNECT for WebSocket (RFC 8441)
    bool finishing_ = false;  ///< the WebSocket has said all
    bool too_large_ = false;  ///< the head is beyond its limits
    std::int64_t progress_ns_ = 0;
    std::size_t cookie_count_ = 0;
    std::size_t head_bytes_ = 0;
    std::int64_t declared_ = -1;  ///< Content-Length
    boost::container::small_vector<nghttp2_rcbuf*, 32> held_;
    boost::container::small_vector<http1::Field, 16> fields_;
    std::string cookies_;
    RequestView request_;
    std::array<char, 64> request_id_{};

    std::string body_;           ///< of the request, then of the answer
    std::size_t body_held_ = 0;  ///< bytes that the peer has not been told to be taken
    std::size_t discarded_ = 0;  ///< bytes that came after the answer
    std::size_t body_sent_ = 0;
    std::uint64_t body_limit_ = 0;
    std::function<void(std::string)> body_done_;
    std::shared_ptr<Responder::Control> control_;
    std::unique_ptr<Feed> feed_;
    std::string received_;  ///< for the WebSocket
    std::unique_ptr<WebSocketSession> websocket_;
};

}  // namespace acp::wire::http2
