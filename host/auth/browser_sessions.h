// auth: the browser's side of auth flows: the cookies, what is kept between a
// redirect and its callback, and sessions that begin and end.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/browser.h"
#include "auth/flow.h"
#include "auth/renewal.h"
#include "auth/security_log.h"
#include "auth/sessions.h"
#include "auth/settings.h"
#include "auth/trust.h"
#include "state/store.h"

namespace acp::auth {

/// "__Host-acp_session" on https: then no other host, path or plain-text answer can plant it.
std::string session_cookie_name(const Settings& settings);

/// What browser sessions are made with; all of it outlives them.
struct BrowserParts {
    const Settings& settings;
    Sessions& sessions;
    Renewals& renewals;
    state::Store& store;
    const Trust& trust;
    SecurityLog& security;
    std::function<std::vector<Flow>()> flows;
};

class BrowserSessions final : public Browser {
public:
    explicit BrowserSessions(BrowserParts parts);

    Result<std::optional<BrowserSession>> session(const dispatch::Context& context) override;
    Result<void> check_csrf(const dispatch::Context& context, const std::optional<BrowserSession>& session, std::string_view form_token) override;
    http::Response log_in(const dispatch::Context& context) override;
    Result<std::string> take_state(const dispatch::Context& context, const std::string& flow, const http::Query& params) override;
    http::Response redirect(const dispatch::Context& context, const std::string& flow, const std::string& next_state, plugins::AuthDecision decision) override;
    http::Response begin_session(const dispatch::Context& context, const std::string& flow, plugins::AuthDecision decision) override;
    http::Response end_session(const dispatch::Context& context, const std::string& flow, plugins::AuthDecision decision) override;

    /// The session that the cookie names, renewed where it is due.
    Result<std::optional<Session>> current(const dispatch::Context& context);
    /// Ends it, tells its flow, leaves a row. `how` is the event's outcome.
    Result<void> end(const Session& session, const std::string& how, const std::string& request_id);
    /// A Set-Cookie field that removes the session's cookie.
    std::string removal() const;

private:
    Result<std::string> try_redirect(const dispatch::Context& context, const std::string& flow, const std::string& next_state, plugins::AuthDecision& decision);
    Result<http::Response> try_begin(const dispatch::Context& context, const std::string& flow, const plugins::AuthDecision& decision);
    Result<http::Response> try_end(const dispatch::Context& context, const plugins::AuthDecision& decision);
    Result<void> record(const std::string& kind, const Session& session, const std::string& outcome, const dispatch::Context& context);
    std::string set_session(const std::string& cookie) const;

    const BrowserParts parts_;
    const std::string cookie_name_, login_cookie_name_;
    const bool secure_;
};

}  // namespace acp::auth
