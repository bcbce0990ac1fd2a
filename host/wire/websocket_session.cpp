#include "wire/websocket_session.h"

#include <utility>

#include "alphaswarm-cp/stream.h"

namespace acp::wire {

namespace {

/// Messages are produced up to this much ahead of the peer.
constexpr std::size_t kOutputAhead = 64 * 1024;
/// How long a peer has to answer a close frame (RFC 6455 section 7.1.1).
constexpr std::int64_t kCloseGraceMs = 2000;

constexpr std::uint16_t kGoingAway = 1001;
constexpr std::uint16_t kProtocolError = 1002;

websocket::FrameLimits frame_limits(const WebSocketSession::Limits& limits) {
    websocket::FrameLimits frames;
    frames.message = limits.message_bytes;
    return frames;
}

}  // namespace

WebSocketSession::WebSocketSession(Transport& transport, std::unique_ptr<http::MessagePort> port,
                                   const std::optional<websocket::Deflate>& deflate, const Limits& limits)
    : transport_(transport),
      port_(std::move(port)),
      limits_(limits),
      reader_(websocket::Role::server, frame_limits(limits), deflate),
      writer_(websocket::Role::server, deflate),
      wake_(transport.loop(), *this) {
    port_->attach(wake_.handle());
    arm_ping();
}

WebSocketSession::~WebSocketSession() {
    forget_timer();
    end_port(ACP_CLOSE_LISTENER);
}

std::size_t WebSocketSession::receive(std::span<char> bytes) {
    std::size_t used = 0;
    if (!bytes.empty()) heard_ = true;
    // After our close frame only the peer's is waited for.
    while (!peer_closed_ && (close_sent_ || (port_ && port_->ready()))) {
        const auto step = reader_.step(bytes.subspan(used));
        used += step.consumed;
        using Event = websocket::MessageReader::Event;
        switch (step.event) {
            case Event::more:
                reader_.trim();
                return used;
            case Event::message:
                if (!close_sent_ && !port_->push(step.text, step.data))
                    send_close(kProtocolError, "not a message of this subprotocol");
                break;
            case Event::ping:
                if (!close_sent_) send_control(websocket::Opcode::pong, step.data);
                break;
            case Event::pong:
                break;
            case Event::close:
                peer_closed_ = true;
                send_close(step.code == websocket::kNoCode ? 1000 : step.code, {});
                transport_.finish();
                return bytes.size();
            case Event::refused:
                send_close(websocket::close_code(reader_.refusal()), websocket::refusal_name(reader_.refusal()));
                peer_closed_ = true;  // nothing it sends can be made sense of any more
                transport_.finish();
                return bytes.size();
        }
    }
    return used;
}

bool WebSocketSession::produce() {
    while (port_ && !close_sent_) {
        if (transport_.unsent() >= kOutputAhead) return true;
        switch (port_->pull(message_)) {
            case http::MessagePort::Pulled::empty:
                return false;
            case http::MessagePort::Pulled::ended: {
                const std::uint16_t code = port_->close_code();
                port_.reset();
                send_close(code, {});
                return false;
            }
            case http::MessagePort::Pulled::message:
                frame_.clear();
                writer_.write(frame_, message_.text, message_.bytes);
                transport_.send(frame_);
                message_.bytes.clear();
                break;
        }
    }
    return false;
}

void WebSocketSession::send_control(websocket::Opcode opcode, std::string_view payload) {
    websocket::FrameSpec spec;
    spec.opcode = opcode;
    frame_.clear();
    websocket::append_frame(frame_, spec, payload);
    transport_.send(frame_);
}

void WebSocketSession::send_close(std::uint16_t code, std::string_view reason) {
    if (std::exchange(close_sent_, true)) return;
    frame_.clear();
    websocket::append_close(frame_, code, reason);
    transport_.send(frame_);
    end_port(ACP_CLOSE_LISTENER);
    forget_timer();
    timer_ = transport_.loop().after(kCloseGraceMs, [this] {
        timer_.reset();
        transport_.finish();
    });
}

void WebSocketSession::gone(int reason) {
    close_sent_ = peer_closed_ = true;
    forget_timer();
    end_port(reason);
}

void WebSocketSession::shut_down() {
    end_port(ACP_CLOSE_SHUTDOWN);
    send_close(kGoingAway, "the server is ending");
}

void WebSocketSession::end_port(int reason) {
    if (auto port = std::move(port_)) port->cancel(reason);
}

void WebSocketSession::forget_timer() {
    if (timer_) transport_.loop().cancel(*timer_);
    timer_.reset();
}

void WebSocketSession::arm_ping() {
    timer_ = transport_.loop().after(limits_.ping_ms, [this] {
        timer_.reset();
        if (!heard_ && pinged_) {
            gone(ACP_CLOSE_LISTENER);
            transport_.finish();
            return;
        }
        pinged_ = !heard_;
        heard_ = false;
        arm_ping();
        if (!pinged_) return;
        send_control(websocket::Opcode::ping, {});
        transport_.resume();
    });
}

}  // namespace acp::wire
