// auth: what becomes of tokens that were issued: introspection (RFC 7662) and
// revocation (RFC 7009).
#pragma once

#include "auth/client_auth.h"
#include "auth/services.h"
#include "base/result.h"
#include "dispatch/route.h"
#include "http/path.h"
#include "http/response.h"

namespace acp::auth {

/// Lets a client introspect tokens that are neither its own nor made for it.
inline constexpr std::string_view kIntrospectScope = "introspect:tokens";

/// {"active":false} for whatever is not a valid token of this server, or none of the
/// client's business: its own, one that has it among its audiences, or any with
/// kIntrospectScope. [any-thread] [may-block]
Result<http::Response> introspect(const Services& services, const ProvenClient& client, const http::Query& form);

/// 200 also for what is no valid token (RFC 7009 section 2.2). A token of another client is
/// refused (section 2.1). Returns once the row is durable and the token is invalid. [any-thread] [may-block]
Result<http::Response> revoke(const Services& services, const dispatch::Context& context, const ProvenClient& client, const http::Query& form);

}  // namespace acp::auth
