// wire: one WebSocket (RFC 6455) between a transport and a message port: an
// HTTP/1.1 connection that was upgraded, or a stream of HTTP/2 (RFC 8441).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "http/message_port.h"
#include "wire/loop.h"
#include "wire/wake.h"
#include "wire/websocket/message.h"

namespace acp::wire {

class WebSocketSession final : private Wake::Target {
public:
    class Transport {
    public:
        virtual Loop& loop() noexcept = 0;
        /// Takes bytes to send, at the latest when this turn ends.
        virtual void send(std::string_view bytes) = 0;
        /// Bytes that the peer has not taken yet.
        virtual std::size_t unsent() const noexcept = 0;
        /// More can be received or sent than a moment ago.
        virtual void resume() = 0;
        /// Both sides have said all.
        virtual void finish() = 0;

    protected:
        ~Transport() = default;
    };
    struct Limits {
        std::uint64_t message_bytes = 1U << 20;
        std::int64_t ping_ms = 30'000;  ///< a peer that is silent for two of these is gone
    };

    WebSocketSession(Transport& transport, std::unique_ptr<http::MessagePort> port,
                     const std::optional<websocket::Deflate>& deflate, const Limits& limits);
    ~WebSocketSession();

    /// Takes what has arrived, unmasking it in place; returns how much. Less
    /// than all: the port takes nothing more for now, and `resume` follows.
    std::size_t receive(std::span<char> bytes);
    /// Sends what the port has, as far as the transport's queue is short. True:
    /// the queue is full, and there may be more.
    bool produce();
    /// The transport is closed, for `reason` (ACP_CLOSE_*).
    void gone(int reason);
    /// The server ends: tells the peer to go elsewhere (close code 1001).
    void shut_down();
    bool ended() const noexcept { return peer_closed_ && close_sent_; }

private:
    void on_wake() override { transport_.resume(); }
    void send_control(websocket::Opcode opcode, std::string_view payload);
    void send_close(std::uint16_t code, std::string_view reason);
    void end_port(int reason);
    void forget_timer();
    void arm_ping();

    Transport& transport_;
    std::unique_ptr<http::MessagePort> port_;
    const Limits limits_;
    websocket::MessageReader reader_;
    websocket::MessageWriter writer_;
    Wake wake_;
    std::optional<Loop::TimerKey> timer_;
    http::Message message_;
    std::string frame_;
    bool heard_ = true;  ///< anything since the last ping
    bool pinged_ = false;
    bool close_sent_ = false;
    bool peer_closed_ = false;
};

}  // namespace acp::wire
