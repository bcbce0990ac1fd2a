// auth: the seam to browser sessions. What an auth flow decides about a browser is
// carried out behind it; without one, what needs a session is answered with 501.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "dispatch/route.h"
#include "http/path.h"
#include "http/response.h"
#include "plugins/auth_flow.h"

namespace acp::auth {

struct BrowserSession {
    plugins::AuthSession session;
    std::string csrf_token;  ///< for the forms of pages; a secret of this session
};

/// All members are [any-thread] [may-block]. `context.credentials` is set.
class Browser {
public:
    virtual ~Browser() = default;

    /// The session that the request's cookie names; nullopt: none that holds.
    virtual Result<std::optional<BrowserSession>> session(const dispatch::Context& context) = 0;

    /// Whether the request comes from a page of this server: same origin, and X-CSRF-Token or
    /// `form_token` is the session's. Code::forbidden.
    virtual Result<void> check_csrf(const dispatch::Context& context, const std::optional<BrowserSession>& session, std::string_view form_token) = 0;

    /// Sends a browser that asks for a page without a session to log in, and back.
    virtual http::Response log_in(const dispatch::Context& context) = 0;

    /// What the REDIRECT that led here had kept, taken out of the store by the parameter
    /// `state`; empty when there is none.
    virtual Result<std::string> take_state(const dispatch::Context& context, const std::string& flow, const http::Query& params) = 0;

    // Decisions of `flow`, carried out.
    /// `next_state` is what the flow was given to use as the parameter `state`.
    virtual http::Response redirect(const dispatch::Context& context, const std::string& flow, const std::string& next_state, plugins::AuthDecision decision) = 0;
    virtual http::Response begin_session(const dispatch::Context& context, const std::string& flow, plugins::AuthDecision decision) = 0;
    virtual http::Response end_session(const dispatch::Context& context, const std::string& flow, plugins::AuthDecision decision) = 0;
};

}  // namespace acp::auth
