#include "wire/http1/websocket.h"

#include "alphaswarm-cp/stream.h"

namespace acp::wire::http1 {

namespace {

/// Input that one connection may have handled before others get their turn.
constexpr std::size_t kInputPerTurn = 256 * 1024;

}  // namespace

void WebSocket::process() {
    if (processing_ || connection_.closing()) return;
    processing_ = true;
    std::size_t taken = 0;
    bool yield = false;
    bool more = true;
    while (more && !connection_.closing() && !finishing_) {
        // A peer that does not take pongs and answers is not read either.
        if (connection_.output_pending() > 0) connection_.flush();
        if (connection_.closing() || connection_.output_pending() > 0) break;
        session_.produce();
        if (connection_.input().empty()) {
            connection_.reset_input_to(0);
            more = connection_.fill_input();
            if (connection_.input_ended()) finishing_ = true;
        }
        const std::size_t used = session_.receive(connection_.writable_input());
        connection_.consume(used);
        taken += used;
        if (!connection_.input().empty()) more = false;  // the port takes nothing for now
        if (more && taken > kInputPerTurn) {
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
