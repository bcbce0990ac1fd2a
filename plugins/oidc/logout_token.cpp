#include "oidc/logout_token.h"

#include "oidc/id_token.h"
#include "oidc/refusal.h"
#include "oidc/url.h"

namespace acp::oidc {

using flow::Json;
using flow::text;

namespace {

constexpr const char* kEvent = "http://schemas.openid.net/event/backchannel-logout";
constexpr std::int64_t kAgeSeconds = 600;     // after that it is not taken, so need not be remembered
constexpr std::int64_t kMemorySeconds = 900;  // > age and leeway

[[noreturn]] void refuse(const std::string& why) {
    throw Refused("invalid_request", 400, "the logout token is refused: " + why);
}

/// `typ` as the host compares it. Providers older than the standard's final text say JWT or nothing.
std::string type_of(const std::string& token) {
    std::string type = lowered(text(unproven_header(token), "typ"));
    if (type.starts_with("application/")) type.erase(0, 12);
    if (type == "logout+jwt") return type;
    if (!type.empty() && type != "jwt") refuse("it is of another type");
    return {};
}

std::int64_t whole_time(const Json& claims, const char* name) {
    const auto at = claims.find(name);
    if (at == claims.end() || !at->is_number_integer()) refuse(std::string("it lacks ") + name);
    return at->get<std::int64_t>();
}

void check_event(const Json& claims) {
    const auto events = claims.find("events");
    if (events == claims.end() || !events->is_object()) refuse("it is about no event");
    const auto event = events->find(kEvent);
    if (event == events->end() || !event->is_object()) refuse("it is about another event");
}

/// Whoever gets to fetch is the first to see this token: one flight on all replicas, and
/// what it brought stays known for as long as the token could be taken.
void check_first_use(const sdk::HostIdentity& identity, const sdk::Call& call, const Provider& provider, const std::string& jti) {
    bool first = false;
    const std::string key = Json{"logout-jti", provider.issuer, jti}.dump();
    identity.token_once(call, key, 0, [&](const sdk::Call&) {
        first = true;
        return Json{{"access_token", "used"}, {"token_type", "N_A"}, {"expires_in", kMemorySeconds}}.dump();
    });
    if (!first) refuse("it was used before");
}

}  // namespace

std::string unproven_issuer(const std::string& token) {
    return text(unproven_claims(token), "iss");
}

Ended believed_logout(const sdk::HostIdentity& identity, const sdk::Call& call, std::int64_t now_unix_s, const Provider& provider,
                      const Metadata& metadata, const std::string& token) {
    const std::string type = type_of(token);
    Json claims;
    try {
        claims = flow::object_or_null(
            identity.verify(call, {token, provider.issuer, provider.credentials.client_id, metadata.jwks_uri, type, {}, provider.ca_file}));
    } catch (const sdk::Failure& failure) {
        if (failure.status() != ACP_E_DENIED) throw;
        refuse(failure.message());
    }
    if (text(claims, "iss") != provider.issuer) refuse("it is of another issuer");
    if (claims.contains("nonce")) refuse("it has a nonce, which tells it from an id_token");
    check_event(claims);
    const std::int64_t issued = whole_time(claims, "iat");
    if (whole_time(claims, "exp") <= now_unix_s - kLeewaySeconds) refuse("it has expired");
    if (issued > now_unix_s + kLeewaySeconds || issued < now_unix_s - kAgeSeconds) refuse("it is too old, or of the future");
    Ended out{text(claims, "sid"), text(claims, "sub")};
    if (out.session.empty() && out.subject.empty()) refuse("it names neither a session nor a subject");
    const std::string jti = text(claims, "jti");
    if (jti.empty() || jti.size() > 512) refuse("it lacks jti");
    check_first_use(identity, call, provider, jti);
    return out;
}

}  // namespace acp::oidc
