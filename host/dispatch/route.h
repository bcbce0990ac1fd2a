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
#include "tls/peer.h"
#include "wire/exchange.h"

namespace acp::dispatch {

/// What a caller proves itself with beside the access token that the gate judges:
/// for the few handlers that authenticate clients or browsers themselves. Wiped
/// when the request is over.
struct Credentials {
    std::vector<std::string> authorization;  ///< every such field, as it came
    std::vector<std::string> cookie;
    std::optional<tls::PeerIdentity> certificate;  ///< the client's, verified
    bool is_same_origin = false;                   ///< as evidence.h says
    ~Credentials();
};

/// A request as handlers see it: owned, authenticated, within limits.
struct Context {
    Context() = default;
    ~Context();
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;

    std::string method;
    std::string path;                 ///< normalised
    std::string raw_query;
    http::Query query;
    std::vector<std::pair<std::string, std::string>> params;
    std::vector<std::pair<std::string, std::string>> fields;  ///< names in lower case; no credentials
    std::string body;
    std::string request_id;
    std::string traceparent;
    std::string peer;                 ///< of the client: "address:port", or an address that a trusted proxy tells
    std::int64_t arrived_unix_ms = 0;
    bool websocket = false;           ///< the client asks for WebSocket
    std::vector<std::string> subprotocols;  ///< that it offers, in its order
    /// Who calls; never null. Of a route without a caller: nobody, without a scope.
    identity::PrincipalPtr principal = identity::nobody();
    bool by_dpop = false;    ///< it came with a token that is bound to a key
    std::string dpop_nonce;  ///< for its next proof; empty: none is needed
    std::unique_ptr<Credentials> credentials;  ///< of routes that ask for them, else null
    wire::Responder responder;        ///< for handlers that answer later

    const std::string& param(std::string_view name) const;
    std::string_view field(std::string_view lower) const noexcept;
    /// The body as one JSON object; an empty body gives an empty object.
    Result<json::Object::Ptr> json_body() const;
    /// The body as a form (Body::form), no name twice; an empty body is an empty form.
    Result<http::Query> form() const;
    http::Response problem(const Error& error) const;
};
using ContextPtr = std::shared_ptr<Context>;

/// Answers at once, on the event loop, from the request's head alone.
using ImmediateHandler = std::function<http::Response(const wire::RequestView&)>;
/// Answers on the pool for blocking work.
using BlockingHandler = std::function<http::Response(const ContextPtr&)>;
/// Answers through context->responder, now or later; runs on the loop and must not block.
using DeferredHandler = std::function<void(const ContextPtr&)>;

/// What a route without a scope wants to know of its caller.
enum class Caller : std::uint8_t { unasked, welcome, required };

enum class Body { none, json, merge_patch, form, any };

struct Route {
    std::string method;
    std::string pattern;
    std::string operation_id;
    /// Needed scope; empty: `caller` says.
    std::string scope;
    Body body = Body::none;
    ImmediateHandler immediate;  ///< exactly one of the three is set
    BlockingHandler blocking;
    DeferredHandler deferred;
    /// Query parameter that may be given more than once.
    std::string repeatable = {};
    /// The handler gets Context::credentials.
    bool wants_credentials = false;
    Caller caller = Caller::unasked;
    /// How well the caller must have been authenticated, and not long ago (RFC 9470);
    /// empty: as well as for everything.
    std::string acr = {};
};

}  // namespace acp::dispatch
