#include "auth/exchange.h"

#include "auth/claims.h"
#include "auth/oauth_error.h"
#include "base/bytes.h"

namespace acp::auth {

namespace {

constexpr std::string_view kAccessToken = "urn:ietf:params:oauth:token-type:access_token";
constexpr std::string_view kJwt = "urn:ietf:params:oauth:token-type:jwt";

tl::unexpected<Error> invalid_request(std::string description, std::string internal = {}) {
    return refuse(Code::invalid, "invalid_request", std::move(description), std::move(internal));
}

/// Who may act, as the subject token says (RFC 8693 section 4.4).
bool allows(const json::Object::Ptr& may_act, const std::string& subject, const std::string& issuer, const std::string& client) {
    const std::string sub = json::text_or(may_act, "sub");
    const std::string iss = json::text_or(may_act, "iss");
    const std::string client_id = json::text_or(may_act, "client_id");
    if (sub.empty() && client_id.empty()) return false;
    return (sub.empty() || sub == subject) && (iss.empty() || iss == issuer) && (client_id.empty() || client_id == client);
}

int depth_of(json::Object::Ptr act) {
    int depth = 0;
    for (; act; act = act->getObject("act")) ++depth;
    return depth;
}

}  // namespace

Result<Exchange::Token> Exchange::read(const http::Query& form, const std::string& role) const {
    const std::string* text = form.find(role);
    const std::string* type = form.find(role + "_type");
    if (!text || text->empty() || !type) return invalid_request(role + " and " + role + "_type are required together");
    if (*type != kAccessToken && *type != kJwt) return invalid_request(role + "_type is not supported");
    const std::string refusal = "the " + role + " is not accepted";
    Token out;
    if (claims_to_be_own(services_, *text)) {
        auto own = read_own(services_, *text);
        if (!own) return invalid_request(refusal, own.error().internal);
        // A token for some other service is that service's to use.
        if (!holds(own->audiences, services_.settings.audience)) return invalid_request(refusal, "aud");
        out.principal = std::move(own->principal);
        out.claims = own->claims;
        out.roles = texts_of(out.claims, "roles");
        return out;
    }
    auto believed = services_.trust.foreign(*text, services_.now_unix_s());
    if (!believed)
        return believed.error().code == Code::unauthenticated ? invalid_request(refusal, believed.error().internal) : fail(believed.error());
    out.principal = std::move(believed->principal);
    out.claims = believed->claims;
    out.roles = services_.trust.entitle(out.principal.issuer, out.claims).roles;
    return out;
}

/// A token that is bound to a key is of no use to who lacks the key, here either.
Result<void> Exchange::check_binding(const identity::Principal& principal, const dispatch::Context& context, const std::string& key) const {
    if (!principal.key_thumbprint.empty() && !equal_constant_time(principal.key_thumbprint, key))
        return invalid_request("a token is bound to a key that the request does not prove", "cnf.jkt");
    if (principal.certificate_thumbprint.empty()) return {};
    const auto& certificate = context.credentials->certificate;
    const auto digest = certificate ? unhex(certificate->certificate.sha256) : std::nullopt;
    if (!digest || !equal_constant_time(principal.certificate_thumbprint, base64url(*digest)))
        return invalid_request("a token is bound to a certificate that the request does not come with", "cnf.x5t#S256");
    return {};
}

/// `act` of the new token: who acts now, and whoever acted before for the subject.
Result<std::string> Exchange::act_of(const Token& subject, const Token* actor, const ProvenClient& client) const {
    const std::string& acting = actor ? actor->principal.subject : client.client->id;
    const std::string& issuer = actor ? actor->principal.issuer : services_.settings.issuer;
    if (subject.claims->has("may_act")) {
        const auto may_act = subject.claims->getObject("may_act");
        if (!may_act || !allows(may_act, acting, issuer, client.client->id))
            return invalid_request("the subject_token names another actor", "may_act");
    }
    const auto before = subject.claims->getObject("act");
    if (subject.claims->has("act") && !before) return invalid_request("the subject_token is not accepted", "act");
    // A client asks for itself, with a token that was its own: nobody acts who did not before.
    const identity::Principal& who = subject.principal;
    if (!actor && who.issuer == services_.settings.issuer && who.client_id == acting && who.subject == acting && who.actor_kind == client.client->actor_kind)
        return before ? json::dump(before) : std::string();
    if (depth_of(before) >= kMostActors) return invalid_request("too many actors", "depth of act");
    auto act = json::object({{"sub", acting}});
    if (issuer != services_.settings.issuer) act->set("iss", issuer);
    if (actor) act->set("client_id", client.client->id);
    if (before) act->set("act", before);
    return json::dump(act);
}

Result<http::Response> Exchange::answer(const dispatch::Context& context, const ProvenClient& client, const http::Query& form) const {
    if (const std::string* wanted = form.find("requested_token_type"); wanted && *wanted != kAccessToken && *wanted != kJwt)
        return invalid_request("requested_token_type is not supported");
    auto scopes = scopes_asked(form);
    if (!scopes) return fail(scopes.error());
    auto audiences = audiences_asked(form);
    if (!audiences) return fail(audiences.error());
    auto subject = read(form, "subject_token");
    if (!subject) return fail(subject.error());
    auto key = granting_.proven_key(context, *client.client);
    if (!key) return fail(key.error());
    if (auto ok = check_binding(subject->principal, context, *key); !ok) return fail(ok.error());
    std::optional<Token> actor;
    if (form.has("actor_token") || form.has("actor_token_type")) {
        auto read_actor = read(form, "actor_token");
        if (!read_actor) return fail(read_actor.error());
        if (auto ok = check_binding(read_actor->principal, context, *key); !ok) return fail(ok.error());
        actor = std::move(*read_actor);
    }
    auto act = act_of(*subject, actor ? &*actor : nullptr, client);
    if (!act) return fail(act.error());

    const identity::Principal& who = subject->principal;
    Subject as;
    as.id = who.subject;
    as.actor_kind = who.actor_kind;
    as.organization_id = who.organization_id;
    as.scopes = who.scopes;
    as.roles = subject->roles;
    as.resources = who.resources;
    as.act_json = *act;
    // No acr: a step-up is the person's own, and whoever acts for them has to ask them anew.
    as.auth_time_unix_s = who.auth_time_unix_s;
    as.expires_unix_s = who.expires_unix_s;
    Wish wish;
    wish.scopes = std::move(*scopes);
    wish.audiences = std::move(*audiences);
    wish.grant_type = kTokenExchange;
    wish.key_thumbprint = std::move(*key);
    auto issued = granting_.issue(context, client, as, wish);
    if (!issued) return fail(issued.error());
    return token_response(std::move(*issued), std::string(kAccessToken));
}

}  // namespace acp::auth
