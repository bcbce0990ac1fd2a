// dispatch: one operation of the REST interface and what its handler gets.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/path.h"
#include "http/response.h"
#include "identity/principal.h"
#include "json/json.h"
#include "wire/exchange.h"

namespace acp::dispatch {

/// A request as handlers see it: owned, authenticated, within limits.
struct Context {
    std::string method;
    std::string path;                 ///< normalised
    std::string raw_query;
    http::Query query;
    std::vector<std::pair<std::string, std::string>> params;
    std::vector<std::pair<std::string, std::string>> fields;  ///< names in lower case; no credentials
    std::string body;
    std::string request_id;
    std::string traceparent;
    std::string peer;
    bool websocket = false;           ///< the client asks for WebSocket
    std::vector<std::string> subprotocols;  ///< that it offers, in its order
    identity::Principal principal;
    wire::Responder responder;        ///< for handlers that answer later

    const std::string& param(std::string_view name) const;
    std::string_view field(std::string_view lower) const noexcept;
    /// The body as one JSON object; an empty body gives an empty object.
    Result<json::Object::Ptr> json_body() const;
    http::Response problem(const Error& error) const;
};
using ContextPtr = std::shared_ptr<Context>;

/// Answers at once, on the event loop, from the request's head alone.
using ImmediateHandler = std::function<http::Response(const wire::RequestView&)>;
/// Answers on the pool for blocking work.
using BlockingHandler = std::function<http::Response(const ContextPtr&)>;
/// Answers through context->responder, now or later; runs on the loop and must not block.
using DeferredHandler = std::function<void(const ContextPtr&)>;

enum class Body { none, json, merge_patch, any };

struct Route {
    std::string method;
    std::string pattern;
    std::string operation_id;
    /// Needed scope; empty: public.
    std::string scope;
    Body body = Body::none;
    ImmediateHandler immediate;  ///< exactly one of the three is set
    BlockingHandler blocking;
    DeferredHandler deferred;
    /// Query parameter that may be given more than once.
    std::string repeatable = {};
};

}  // namespace acp::dispatch
