// wire/http1: how a connection goes over to another protocol.
#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "alphaswarm-cp/stream.h"
#include "wire/http1/server.h"
#include "wire/http1/websocket.h"
#include "wire/http2/server.h"
#include "wire/websocket/handshake.h"

namespace acp::wire::http1 {

/// RFC 9113 section 3.3: a client that knows starts with the preface. True: the
/// connection is HTTP/2's, or the preface is incomplete and no request so far.
bool Server::begin_http2() {
    if (connection_.is_secure()) return false;  // there it is agreed on, RFC 9113 section 3.2
    const std::string_view input = connection_.input();
    const std::size_t size = std::min(input.size(), http2::kPreface.size());
    if (input.substr(0, size) != http2::kPreface.substr(0, size)) return false;
    if (size < http2::kPreface.size()) return true;
    auto next = std::make_unique<http2::Server>(connection_, application_, limits_);
    http2::Server& server = *next;
    upgraded_ = true;
    connection_.become(std::move(next));
    if (draining_) server.drain();
    server.on_readable();
    return true;
}

websocket::Upgrade Server::check_handshake(const std::string& subprotocol) const {
    const websocket::UpgradeRequest asked{
        request_.method,
        1,
        head_->minor,
        {},
        [this](std::string_view name, std::size_t index) -> std::optional<std::string_view> {
            for (const Field& field : request_.fields)
                if (field.name.size() == name.size() && equals_ci(field.name, name) && index-- == 0) return field.value;
            return std::nullopt;
        }};
    websocket::UpgradeOptions offered;
    if (!subprotocol.empty()) offered.subprotocols = {subprotocol};
    offered.deflate.emplace();
    return websocket::check_upgrade(asked, offered);
}

/// Before anything is begun for it. False: refused.
bool Server::judge_handshake() {
    websocket::Upgrade verdict = check_handshake({});
    if (verdict.accepted()) return true;
    http::Response refused = application_.on_refusal(verdict.status, verdict.refusal, request_.request_id);
    for (auto& [name, value] : verdict.fields)
        if (!equals_ci(name, "connection")) refused.field(std::string(name), std::move(value));
    refused.close = true;
    respond(std::move(refused));
    return false;
}

void Server::start_websocket(http::Response response) {
    websocket::Upgrade verdict = check_handshake(response.subprotocol);
    if (!verdict.accepted()) {  // a handler that went over to messages unasked
        response.port->cancel(ACP_CLOSE_LISTENER);
        respond(application_.on_refusal(verdict.status, verdict.refusal, request_.request_id));
        return;
    }
    connection_.counters().websockets.add();
    response.status = verdict.status;
    for (auto& [name, value] : verdict.fields) response.fields.emplace_back(name, std::move(value));
    send_head(response, false, true);
    ++served_;
    connection_.disarm();
    auto next = std::make_unique<WebSocket>(connection_, std::move(response.port), verdict.deflate,
                                            WebSocketSession::Limits{limits_.message_bytes, limits_.ping_ms});
    WebSocket& socket = *next;
    upgraded_ = true;
    connection_.become(std::move(next));
    if (draining_) socket.drain();
    socket.on_readable();
}

}  // namespace acp::wire::http1
