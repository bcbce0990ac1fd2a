// auth: what a page asks of its session: who it is, renewal, and the list of one's own.
#pragma once

#include <vector>

#include "auth/browser_sessions.h"
#include "auth/endpoints.h"

namespace acp::auth {

/// GET /auth/me, POST /auth/refresh, GET /auth/sessions, DELETE /auth/sessions/{id}. What
/// is given outlives them.
std::vector<Mounted> session_routes(BrowserSessions& browser, Sessions& sessions, Renewals& renewals);

}  // namespace acp::auth
