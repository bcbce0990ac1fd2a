#include "auth/assertion.h"

#include <algorithm>
#include <array>

#include "auth/claims.h"
#include "auth/oauth_error.h"
#include "base/bytes.h"
#include "identity/claims.h"

namespace acp::auth {

using identity::Client;
using identity::ClientAuth;

namespace {

constexpr std::int64_t kLongestLife = 300;
constexpr std::string_view kJwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// draft-ietf-oauth-spiffe-client-auth.
constexpr std::string_view kJwtSpiffe = "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe";
constexpr std::string_view kServiceAccount = "system:serviceaccount:";
constexpr std::string_view kSpace = "client-assertion";

tl::unexpected<Error> bad(std::string which) {
    return refuse(Code::unauthenticated, "invalid_client", "the assertion is not accepted", std::move(which));
}

/// How Kubernetes writes namespace/name.
std::string account_subject(std::string account) {
    std::replace(account.begin(), account.end(), '/', ':');
    return std::string(kServiceAccount) + account;
}

/// Who is named, judged by the registration: it decides which checks must hold.
std::optional<ClientAuth> method_of(const Client& client, const std::string& issuer, const std::string& subject) {
    if (subject == client.id && issuer == client.id) return ClientAuth::private_key_jwt;
    if (!client.spiffe_id.empty() && subject == client.spiffe_id) return ClientAuth::jwt_svid;
    if (!client.service_account.empty() && subject == account_subject(client.service_account)) return ClientAuth::kubernetes;
    return std::nullopt;
}

}  // namespace

Assertions::Assertions(const Services& services) : services_(services), nobodys_(jose::PrivateKey::generate(jose::Algorithm::ES256)) {}

bool Assertions::is_type(std::string_view type) noexcept {
    return type == kJwtBearer || type == kJwtSpiffe;
}

const Client* Assertions::client_of(const jose::Compact& token, const std::string& client_id) const {
    if (!client_id.empty()) return services_.clients.find(client_id);
    const std::string issuer = json::text_or(token.claims, "iss");
    const std::string subject = json::text_or(token.claims, "sub");
    if (subject.empty()) return nullptr;
    for (const auto& client : services_.clients.all())
        if (const auto method = method_of(client, issuer, subject); method && client.uses(*method)) return &client;
    return nullptr;
}

Result<Assertions::Accepted> Assertions::judge(std::string_view assertion, const std::string& client_id) {
    auto token = jose::parse(assertion);
    if (!token) return bad("assertion: " + token.error().internal);
    const Client* client = client_of(*token, client_id);
    const auto method = client ? method_of(*client, json::text_or(token->claims, "iss"), json::text_or(token->claims, "sub")) : std::nullopt;
    if (!method || !client->uses(*method)) {
        (void)judge_own(nullptr, *token);
        return bad(!client   ? "unknown client"
                   : !method ? "assertion: iss or sub is not the client's"
                             : "a method that the client is not registered for");
    }
    if (auto ok = *method == ClientAuth::private_key_jwt ? judge_own(client, *token) : judge_vouched(assertion, *token); !ok) return fail(ok.error());
    return Accepted{client, *method};
}

std::string Assertions::audience_of(const jose::Compact& token) const {
    const auto named = audiences_of(token.claims);
    for (const auto& ours : {services_.settings.issuer, services_.settings.url("/token"), services_.settings.base})
        if (holds(named, ours)) return ours;
    return {};
}

Result<void> Assertions::judge_own(const Client* client, const jose::Compact& token) {
    // A client that is not there costs a check as well.
    const jose::PublicKey* key = client ? client->keys.find(token.kid, token.algorithm) : nobodys_ ? &nobodys_->public_key() : nullptr;
    if (!key) return bad("assertion: kid");
    if (!token.signed_by(*key)) return bad("assertion: signature");
    if (!client) return bad("unknown client");
    const std::string audience = audience_of(token);
    if (audience.empty()) return bad("assertion: aud");
    const std::string_view ours = audience;
    constexpr std::array<std::string_view, 3> types{"", "jwt", "client-authentication+jwt"};
    const std::int64_t now = services_.now_unix_s();
    const std::int64_t leeway = services_.settings.leeway_s;
    const auto times = identity::check_claims(token, {client->id, {&ours, 1}, types, leeway, false}, now);
    if (!times) return bad("assertion: " + times.error().internal);
    if (times->expires_unix_s > now + kLongestLife + leeway) return bad("assertion: exp is more than 5 minutes ahead");
    const std::string jti = json::text_or(token.claims, "jti");
    if (jti.empty() || jti.size() > 256) return bad("assertion: jti");
    return use_once(*client, jti, times->expires_unix_s + leeway, now);
}

Result<void> Assertions::use_once(const Client& client, const std::string& jti, std::int64_t until, std::int64_t now) {
    const std::string key = sha256_hex(client.id + "\n" + jti);
    auto kept = services_.store.put({.space = kSpace, .key = key, .value = "1", .ttl_ms = (until - now + 1) * 1000, .condition = state::If::absent});
    if (kept) return {};
    if (kept.error().code == Code::conflict) return bad("assertion: jti was used before");
    return fail(kept.error());
}

/// An SVID or a service account's token is presented as long as it lives; who
/// signed it is the business of the trusted issuers.
Result<void> Assertions::judge_vouched(std::string_view assertion, const jose::Compact& token) {
    const std::string audience = audience_of(token);
    if (audience.empty()) return bad("assertion: aud");
    auto vouched = services_.trust.vouched(assertion, audience, services_.now_unix_s());
    if (!vouched && vouched.error().code == Code::unauthenticated) return bad("assertion: " + vouched.error().internal);
    return vouched;
}

}  // namespace acp::auth
