// wire/http1: a connection that was upgraded to WebSocket.
#pragma once

#include <memory>

#include "wire/connection.h"
#include "wire/websocket_session.h"

namespace acp::wire::http1 {

class WebSocket final : public Protocol, private WebSocketSession::Transport {
public:
    WebSocket(Connection& connection, std::unique_ptr<http::MessagePort> port,
              const std::optional<websocket::Deflate>& deflate, const WebSocketSession::Limits& limits)
        : connection_(connection), session_(*this, std::move(port), deflate, limits) {}

    // Protocol
    void on_readable() override { process(); }
    void on_flushed() override { process(); }
    void on_limit(TimeoutList&) override { connection_.abort(); }
    void on_closing() override;
    void drain() override;

private:
    // WebSocketSession::Transport
    Loop& loop() noexcept override { return connection_.loop(); }
    void send(std::string_view bytes) override { connection_.output() += bytes; }
    std::size_t unsent() const noexcept override { return connection_.output_pending(); }
    void resume() override { process(); }
    void finish() override;

    void process();
    bool receive(std::size_t& moved);
    Connection& connection_;
    WebSocketSession session_;
    bool processing_ = false;
    bool finishing_ = false;
};

}  // namespace acp::wire::http1
