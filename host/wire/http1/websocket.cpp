#include "wire/http1/websocket.h"

#include "alphaswarm-cp/stream.h"

namespace acp::wire::http1 {

namespace {

/// Bytes that one connection may have moved before others get their turn.
constexpr std::size_t kBytesPerTurn = 256 * 1024;

}  // namespace

void WebSocket::process() {
    if (processing_ || connection_.closing()) return;
    processing_ = true;
    std::size_t moved = 0;
    bool yield = false;
    while (!connection_.closing() && !finishing_) {
        // Twice: before it reads, as a peer that does not take pongs and answers is
        // not read either, and behind what the messages made.
        const bool produced = session_.produce();
        moved += connection_.output_pending();
        if (connection_.output_pending() > 0) connection_.flush();
        if (connection_.closing() || connection_.output_pending() > 0) break;
        const bool received = receive(moved);
        if (!produced && !received && connection_.output_pending() == 0) break;
        if (moved > kBytesPerTurn) {
            yield = true;
            break;
        }
    }
    processing_ = false;
    if (connection_.closing()) return;
    connection_.release_input();
    if (finishing_)
        connection_.close_after_flush();
    else if (connection_.output_pending() > 0)
        connection_.flush();
    if (connection_.closing()) return;
    if (yield) connection_.yield_turn();
}

/// Takes what has arrived; false when there is nothing, or the port takes nothing.
bool WebSocket::receive(std::size_t& moved) {
    if (connection_.input().empty()) {
        connection_.reset_input_to(0);
        if (!connection_.fill_input()) return false;
    }
    const std::size_t used = session_.receive(connection_.writable_input());
    connection_.consume(used);
    moved += used;
    // WebSocket has no half-close: who ends the connection without a close frame is
    // gone, even if what it sent before cannot be taken now.
    if (connection_.input_ended() || (used == 0 && connection_.peer_ended())) finishing_ = true;
    return used > 0;
}

void WebSocket::finish() {
    finishing_ = true;
    if (!processing_) connection_.close_after_flush();
}

void WebSocket::on_closing() {
    session_.gone(ACP_CLOSE_LISTENER);
}

void WebSocket::drain() {
    session_.shut_down();
    connection_.flush();
}

}  // namespace acp::wire::http1
