// wire/http1: the server side of one HTTP/1.1 connection (RFC 9112): requests
// one after another, answers in the same order.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>

#include "wire/connection.h"
#include "wire/exchange.h"
#include "wire/feed.h"
#include "wire/http1/parse.h"
#include "wire/websocket/handshake.h"

namespace acp::wire::http1 {

class Server final : public Protocol, private Exchange, private Responder::Target, private Feed::Listener {
public:
    Server(Connection& connection, Application& application, const Limits& limits);
    ~Server() override;

private:
    enum class State { head, handling, body, deferred, streaming };

    // Protocol
    void drain() override;
    void on_readable() override;
    void on_flushed() override;
    void on_limit(TimeoutList& list) override;
    void on_closing() override;
    // Exchange
    const RequestView& request() const noexcept override { return request_; }
    Loop& loop() noexcept override { return connection_.loop(); }
    void respond(http::Response response) override;
    void read_body(std::uint64_t limit, std::function<void(std::string)> done) override;
    Responder defer() override;
    // Responder::Target
    void complete(http::Response response) override;
    void resumed(const std::function<void(Exchange&)>& task) override;

    // Feed::Listener
    void on_feed() override { pump(); }
    void on_heartbeat() override;

    void process();
    void wait_for_more();
    bool begin_exchange();
    bool begin_http2();
    void take_request_id();
    bool read_more_body();
    bool body_complete();
    void refuse(int status, std::string_view slug);
    void send_head(const http::Response& response, bool chunked, bool keep_alive);
    websocket::Upgrade check_handshake(const std::string& subprotocol) const;
    bool judge_handshake();
    void start_websocket(http::Response response);
    void start_streaming(http::Response response, bool keep_alive);
    void append_chunk(std::string_view payload);
    void pump();
    void end_exchange(bool keep_alive);
    void forget_responder(bool client_gone);

    Connection& connection_;
    Application& application_;
    const Limits& limits_;
    State state_ = State::head;
    std::unique_ptr<RequestHead> head_;  ///< lent by the loop while an exchange is under way
    RequestView request_;
    std::size_t scanned_ = 0;
    std::uint64_t served_ = 0;
    std::uint64_t idle_since_ = 0;  ///< `served_` when the limit on idleness began
    std::array<char, 64> request_id_{};
    std::size_t request_id_size_ = 0;

    std::string body_;
    std::uint64_t body_limit_ = 0;
    std::uint64_t body_left_ = 0;
    std::size_t head_end_ = 0;
    ChunkDecoder chunks_;
    std::function<void(std::string)> body_done_;
    bool body_unread_ = false;

    std::shared_ptr<Responder::Control> control_;
    std::unique_ptr<Feed> feed_;
    std::string piece_;
    bool stream_chunked_ = false;
    bool stream_keep_alive_ = false;
    bool processing_ = false;
    bool draining_ = false;
    bool upgraded_ = false;  ///< the connection is another protocol's now
};

}  // namespace acp::wire::http1
