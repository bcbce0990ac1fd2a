#include "auth/granting.h"

#include <algorithm>

#include "auth/claims.h"
#include "auth/oauth_error.h"
#include "base/bytes.h"
#include "identity/token.h"

namespace acp::auth {

namespace {

constexpr std::size_t kMostScopes = 64;
constexpr std::size_t kMostAudiences = 8;

tl::unexpected<Error> invalid_scope(std::string description) {
    return refuse(Code::invalid, "invalid_scope", std::move(description));
}
tl::unexpected<Error> invalid_target(std::string description) {
    return refuse(Code::invalid, "invalid_target", std::move(description));
}

bool is_cluster_wide(std::string_view scope) noexcept {
    return scope == "admin:cluster" || scope == "platform:admin";
}

/// As identity::Principal::may, but neither of the two widest scopes brings the other.
bool may(const Subject& subject, std::string_view scope) noexcept {
    if (holds(subject.scopes, scope)) return true;
    return !is_cluster_wide(scope) && std::any_of(subject.scopes.begin(), subject.scopes.end(), is_cluster_wide);
}

json::Array::Ptr list(const std::vector<std::string>& texts) {
    auto out = json::array();
    for (const auto& text : texts) out->add(text);
    return out;
}

json::Var one_or_list(const std::vector<std::string>& texts) {
    if (texts.size() == 1) return texts.front();
    return list(texts);
}

}  // namespace

Result<std::vector<std::string>> scopes_asked(const http::Query& form) {
    const std::string* text = form.find("scope");
    if (!text) return std::vector<std::string>();
    auto scopes = words_of(*text);
    if (scopes.size() > kMostScopes) return invalid_scope("more than 64 scopes are asked for");
    for (const auto& scope : scopes)
        if (!identity::is_scope(scope)) return invalid_scope("a scope has characters that no scope has");
    return scopes;
}

Result<std::vector<std::string>> audiences_asked(const http::Query& form) {
    std::vector<std::string> out;
    if (const std::string* resource = form.find("resource")) {
        // RFC 8707 section 2: an absolute URI without a fragment.
        const auto colon = resource->find(':');
        if (colon == 0 || colon == std::string::npos || resource->find('#') != std::string::npos || resource->size() > 512)
            return invalid_target("resource must be an absolute URI without a fragment");
        out.push_back(*resource);
    }
    if (const std::string* audience = form.find("audience")) {
        if (audience->empty() || audience->size() > 512) return invalid_target("audience must have 1 to 512 characters");
        if (!holds(out, *audience)) out.push_back(*audience);
    }
    return out;
}

Result<void> Granting::check_scopes(const identity::Client& client, const std::vector<std::string>& scopes) const {
    for (const auto& scope : scopes)
        if (!holds(client.scopes, scope)) return invalid_scope("the client may not have the scope " + scope);
    return {};
}

Result<void> Granting::check_audiences(const identity::Client& client, const std::vector<std::string>& audiences) const {
    if (audiences.size() > kMostAudiences) return invalid_target("too many audiences");
    const std::string& own = services_.settings.audience;
    for (const auto& audience : audiences)
        if (audience != own && !holds(client.audiences, audience)) return invalid_target("the client is not registered for this audience");
    if (audiences.size() > 1 && holds(audiences, own)) return invalid_target("the server's own audience goes with no other");
    return {};
}

Result<std::string> Granting::proven_key(const dispatch::Context& context, const identity::Client& client) const {
    const auto fields = std::count_if(context.fields.begin(), context.fields.end(), [](const auto& field) { return field.first == "dpop"; });
    if (fields > 1) return refuse(Code::invalid, "invalid_dpop_proof", "DPoP is given more than once");
    if (fields == 0) {
        if (client.dpop_required) return refuse(Code::invalid, "invalid_dpop_proof", "this client must prove its key: DPoP is missing");
        return std::string();
    }
    auto thumbprint = services_.trust.proof(context.field("dpop"), services_.settings.url_of(context.path), services_.now_unix_s());
    if (thumbprint || thumbprint.error().code == Code::unavailable) return thumbprint;
    // RFC 9449 section 5: at this endpoint a wrong proof is a wrong request.
    const Error& error = thumbprint.error();
    if (error.slug == "use_dpop_nonce") return thumbprint;
    return refuse(Code::invalid, "invalid_dpop_proof", "the DPoP proof is not accepted", error.internal.empty() ? error.message : error.internal);
}

Result<std::vector<std::string>> Granting::cut(const identity::Client& client, const Subject& subject, const std::vector<std::string>& wanted) const {
    std::vector<std::string> granted;
    if (wanted.empty()) {
        std::copy_if(client.scopes.begin(), client.scopes.end(), std::back_inserter(granted), [&](const auto& scope) { return may(subject, scope); });
        if (granted.empty()) return invalid_scope("there is no scope that both the client and the subject may have");
        return granted;
    }
    if (auto ok = check_scopes(client, wanted); !ok) return fail(ok.error());
    for (const auto& scope : wanted)
        if (!may(subject, scope)) return invalid_scope("the subject may not have the scope " + scope);
    return wanted;
}

Result<Issued> Granting::issue(const dispatch::Context& context, const ProvenClient& proven, const Subject& subject, const Wish& wish) const {
    const identity::Client& client = *proven.client;
    if (subject.id.empty() || subject.id.size() > 256) return refuse(Code::internal, "server_error", "a subject must have 1 to 256 bytes");
    auto scopes = cut(client, subject, wish.scopes);
    if (!scopes) return fail(scopes.error());
    if (auto ok = check_audiences(client, wish.audiences); !ok) return fail(ok.error());
    const std::vector<std::string> audiences = wish.audiences.empty() ? std::vector<std::string>{services_.settings.audience} : wish.audiences;
    if (client.dpop_required && wish.key_thumbprint.empty()) return refuse(Code::invalid, "invalid_dpop_proof", "this client must prove its key");

    const std::int64_t now = services_.now_unix_s();
    std::int64_t expires = now + (client.token_ttl_s > 0 ? client.token_ttl_s : services_.settings.token_ttl_s);
    if (subject.expires_unix_s > 0) expires = std::min(expires, subject.expires_unix_s);
    if (expires <= now) return refuse(Code::invalid, "invalid_grant", "what the token would be made from has expired");

    Issued issued;
    issued.token_id = uuid7();
    issued.scope = joined(*scopes);
    issued.expires_in_s = expires - now;
    auto claims = json::object({{"iss", services_.settings.issuer},
                                {"sub", subject.id},
                                {"aud", one_or_list(audiences)},
                                {"iat", now},
                                {"nbf", now},
                                {"exp", expires},
                                {"jti", issued.token_id},
                                {"client_id", client.id},
                                {"scope", issued.scope},
                                {"actor_kind", subject.actor_kind}});
    if (!subject.organization_id.empty()) claims->set("organization_id", subject.organization_id);
    // A role stands for all its scopes, wherever the token is read: it is told only when none of them was cut.
    const bool is_whole = std::all_of(subject.scopes.begin(), subject.scopes.end(), [&](const auto& scope) { return holds(*scopes, scope); });
    if (!subject.roles.empty() && is_whole) claims->set("roles", list(subject.roles));
    if (!subject.resources.empty()) claims->set("resources", list(subject.resources));
    if (!subject.acr.empty()) claims->set("acr", subject.acr);
    if (!subject.amr.empty()) claims->set("amr", list(subject.amr));
    if (subject.auth_time_unix_s > 0) claims->set("auth_time", subject.auth_time_unix_s);
    if (!subject.act_json.empty()) {
        auto act = json::parse_object(subject.act_json);
        if (!act) return refuse(Code::internal, "server_error", "act is no JSON object");
        claims->set("act", *act);
    }
    auto bound = json::object();
    if (!wish.key_thumbprint.empty()) bound->set("jkt", wish.key_thumbprint);
    if (!proven.certificate_thumbprint.empty()) bound->set("x5t#S256", proven.certificate_thumbprint);
    if (bound->size() > 0) claims->set("cnf", bound);
    if (!wish.key_thumbprint.empty()) issued.token_type = "DPoP";

    auto token = services_.keyring.sign("at+jwt", json::dump(claims));
    if (!token) return fail(token.error());
    issued.access_token = std::move(*token);

    ledger::SecurityEvent event;
    event.kind = "token.mint";
    event.actor = client.id;
    event.target = subject.id;
    event.outcome = "granted";
    event.request_id = context.request_id;
    auto details = json::object({{"client_id", client.id},
                                 {"subject", subject.id},
                                 {"scopes", list(*scopes)},
                                 {"audiences", list(audiences)},
                                 {"jti", issued.token_id},
                                 {"grant_type", wish.grant_type},
                                 {"client_auth_method", std::string(name_of(proven.method))},
                                 {"expires_at", expires},
                                 {"bound", bound->size() > 0},
                                 {"act", claims->get("act")},
                                 {"address", std::string(address_of(context.peer))}});
    if (auto more = json::parse_object(wish.audit_json)) details->set("flow", *more);
    event.details = details;
    if (auto kept = services_.security.require(std::move(event)); !kept) {
        wipe(issued.access_token);
        return fail(kept.error());
    }
    services_.counters.minted.fetch_add(1, std::memory_order_relaxed);
    return issued;
}

http::Response token_response(Issued issued, const std::string& issued_token_type) {
    auto body = json::object(
        {{"access_token", issued.access_token}, {"token_type", issued.token_type}, {"expires_in", issued.expires_in_s}, {"scope", issued.scope}});
    if (!issued_token_type.empty()) body->set("issued_token_type", issued_token_type);
    wipe(issued.access_token);
    return uncached_json(200, json::dump(body));
}

}  // namespace acp::auth
