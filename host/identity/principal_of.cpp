#include "identity/principal_of.h"

#include <algorithm>

#include "identity/claim_values.h"
#include "identity/token.h"

namespace acp::identity {

namespace {

constexpr std::size_t kMaxNameBytes = 256;
/// SHA-256 in base64url.
constexpr std::size_t kThumbprintChars = 43;

/// Text that is in itself sound: bounded and without controls, since it goes
/// into logs and the ledger.
bool is_name(const std::string& text) {
    return !text.empty() && text.size() <= kMaxNameBytes && std::none_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    });
}

/// A text claim that may be missing, but not be anything else.
Result<std::string> optional_text(const json::Object::Ptr& claims, const std::string& name) {
    const auto value = claim_at(claims, name);
    if (!value) return std::string();
    if (!value->isString() || !is_name(value->extract<std::string>())) return invalid_token(name);
    return value->extract<std::string>();
}

Result<std::vector<std::string>> scopes_of(const json::Object::Ptr& claims, const std::string& name) {
    const auto value = claim_at(claims, name);
    if (!value) return std::vector<std::string>();
    auto words = words_of(*value);
    if (!words || !std::all_of(words->begin(), words->end(), is_scope)) return invalid_token(name);
    return *words;
}

/// A filter that is empty lets nothing through; no filter is no claim at all.
Result<std::vector<std::string>> resources_of(const json::Object::Ptr& claims, const std::string& name) {
    const auto value = claim_at(claims, name);
    if (!value) return std::vector<std::string>();
    auto words = words_of(*value);
    if (!words) return invalid_token(name);
    if (words->empty()) words->emplace_back();
    return *words;
}

/// RFC 7800 section 3.1: a way of confirming that is not known here cannot be
/// checked, so the token is not taken.
Result<void> read_confirmation(const json::Object::Ptr& claims, Principal& out) {
    if (!claims->has("cnf")) return {};
    const auto cnf = claims->getObject("cnf");
    if (!cnf || cnf->size() == 0) return invalid_token("cnf");
    for (const std::string& name : cnf->getNames()) {
        std::string* place = name == "jkt"        ? &out.key_thumbprint
                             : name == "x5t#S256" ? &out.certificate_thumbprint
                                                  : nullptr;
        const std::string value = json::text_or(cnf, name);
        if (place == nullptr || value.size() != kThumbprintChars) return invalid_token("cnf");
        *place = value;
    }
    return {};
}

/// What own and foreign tokens have in common.
Result<void> read_common(const json::Object::Ptr& claims, const Times& times, Principal& out) {
    out.expires_unix_s = times.expires_unix_s;
    out.issuer = json::text_or(claims, "iss");
    const std::pair<const char*, std::string*> texts[] = {{"jti", &out.token_id}, {"acr", &out.acr}};
    for (const auto& [name, place] : texts) {
        auto value = optional_text(claims, name);
        if (!value) return fail(value.error());
        *place = std::move(*value);
    }
    if (claims->has("auth_time")) {
        const auto when = seconds_of(claims, "auth_time");
        if (!when) return invalid_token("auth_time");
        out.auth_time_unix_s = *when;
    }
    if (claims->has("act")) {
        const auto act = claims->getObject("act");
        if (!act) return invalid_token("act");
        out.act_json = json::dump(act);
    }
    return read_confirmation(claims, out);
}

}  // namespace

Result<Principal> principal_of(const json::Object::Ptr& claims, const Times& times) {
    Principal out;
    if (auto read = read_common(claims, times, out); !read) return fail(read.error());
    if (out.token_id.empty()) return invalid_token("jti");
    out.subject = json::text_or(claims, "sub");
    if (!is_name(out.subject)) return invalid_token("sub");
    out.client_id = json::text_or(claims, "client_id");
    if (!is_name(out.client_id)) return invalid_token("client_id");
    out.actor_kind = json::text_or(claims, "actor_kind", "user");
    auto organization = optional_text(claims, "organization_id");
    if (!organization) return fail(organization.error());
    out.organization_id = std::move(*organization);
    auto scopes = scopes_of(claims, "scope");
    if (!scopes) return fail(scopes.error());
    out.scopes = std::move(*scopes);
    auto resources = resources_of(claims, "resources");
    if (!resources) return fail(resources.error());
    out.resources = std::move(*resources);
    return out;
}

Result<Principal> principal_of(const json::Object::Ptr& claims, const Times& times, const TrustedIssuer& issuer,
                               const Roles& roles) {
    // What only an ID token or a logout token has: they are proofs for a client,
    // and nobody meant them to open anything here.
    for (const char* name : {"nonce", "at_hash", "c_hash", "s_hash", "events"})
        if (claims->has(name)) return invalid_token(std::string("no access token: ") + name);
    Principal out;
    if (auto read = read_common(claims, times, out); !read) return fail(read.error());
    const std::string subject = claim_text(claims, issuer.claims.subject);
    if (!is_name(subject)) return invalid_token("sub");
    out.subject = issuer.subject_prefix + subject;
    // RFC 9068 has client_id; OpenID Connect and Entra's older tokens the others.
    for (const std::string& name : {issuer.claims.client, std::string("azp"), std::string("appid")})
        if (out.client_id.empty()) out.client_id = claim_text(claims, name);
    if (!out.client_id.empty() && !is_name(out.client_id)) return invalid_token("client_id");
    out.actor_kind = issuer.actor_kind;
    auto organization = optional_text(claims, issuer.claims.organization);
    if (!organization) return fail(organization.error());
    out.organization_id = std::move(*organization);
    auto resources = resources_of(claims, issuer.claims.resources);
    if (!resources) return fail(resources.error());
    out.resources = std::move(*resources);

    out.scopes = roles.granted(issuer.issuer, claims).scopes;
    if (issuer.trust_scopes) {
        auto own = scopes_of(claims, issuer.claims.scopes);
        if (!own) return fail(own.error());
        for (std::string& scope : *own)
            if (!out.holds(scope)) out.scopes.push_back(std::move(scope));
    }
    return out;
}

}  // namespace acp::identity
