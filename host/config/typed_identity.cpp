#include "config/typed_identity.h"

#include "base/bytes.h"

namespace acp::config {

namespace {

Flow flow(const Section& section) {
    Flow out;
    section.read("alias", out.alias);
    section.read("plugin", out.plugin);
    section.read_json("config", out.config_json);
    out.pointer = section.pointer();
    return out;
}

Issuer issuer(const Section& section, const Base& base) {
    Issuer out;
    section.read("issuer", out.issuer);
    section.read("jwks_url", out.jwks_url);
    base.read(section, "ca_file", out.ca_file);
    section.read("audiences", out.audiences);
    section.read("algorithms", out.algorithms);
    section.read("types", out.types);
    section.read("kind", out.kind);
    section.read("subject_prefix", out.subject_prefix);
    section.read("trust_scopes", out.trust_scopes);
    const Section claims = section.section("claims");
    claims.read("subject", out.claims.subject);
    claims.read("client", out.claims.client);
    claims.read("organization", out.claims.organization);
    claims.read("scopes", out.claims.scopes);
    claims.read("resources", out.claims.resources);
    return out;
}

RoleRule role_rule(const Section& section) {
    RoleRule out;
    section.read("issuer", out.issuer);
    section.read("claim", out.claim);
    section.read("equals", out.equals);
    section.read("contains", out.contains);
    section.read("role", out.role);
    section.read("scopes", out.scopes);
    return out;
}

OauthClient oauth_client(const Section& section, const Base& base) {
    OauthClient out;
    section.read("id", out.id);
    section.read("name", out.name);
    section.read("methods", out.methods);
    section.read("grants", out.grants);
    section.read("scopes", out.scopes);
    section.read("audiences", out.audiences);
    section.read("secret_sha256", out.secret_sha256);
    for (std::string& digest : out.secret_sha256) digest = ascii_lower(digest);
    section.read_json("jwks", out.jwks_json);
    base.read(section, "jwks_file", out.jwks_file);
    section.read("spiffe_id", out.spiffe_id);
    section.read("certificate_subject", out.certificate_subject);
    section.read("service_account", out.service_account);
    section.read("kind", out.kind);
    section.read("organization_id", out.organization_id);
    section.read("dpop_required", out.dpop_required);
    section.read("token_ttl_s", out.token_ttl_s);
    out.pointer = section.pointer();
    return out;
}

Verification verification(const Section& section) {
    Verification out;
    section.read("cached_tokens", out.cached_tokens);
    section.read("keys_keep_s", out.keys_keep_s);
    section.read("keys_stale_s", out.keys_stale_s);
    section.read("unknown_kid_s", out.unknown_kid_s);
    section.read("revocation_poll_s", out.revocation_poll_s);
    section.read("dpop_window_s", out.dpop_window_s);
    section.read("dpop_nonce", out.dpop_nonce);
    return out;
}

Sessions sessions(const Section& section) {
    Sessions out;
    section.read("idle_s", out.idle_s);
    section.read("absolute_s", out.absolute_s);
    section.read("grace_s", out.grace_s);
    return out;
}

}  // namespace

Identity identity(const Section& section, const Base& base) {
    Identity out;
    section.read("issuer", out.issuer);
    section.read("audience", out.audience);
    section.read("token_ttl_s", out.token_ttl_s);
    section.read("leeway_s", out.leeway_s);
    section.read("client_failures", out.client_failures);
    section.read("insecure_dev", out.insecure_dev);
    for (const auto& one : section.list("flows")) out.flows.push_back(flow(one));
    for (const auto& one : section.list("issuers")) out.issuers.push_back(issuer(one, base));
    const Section roles = section.section("roles");
    for (const auto& name : roles.names()) roles.read(name, out.roles[name]);
    for (const auto& one : section.list("role_mapping")) out.role_mapping.push_back(role_rule(one));
    for (const auto& one : section.list("clients")) out.clients.push_back(oauth_client(one, base));
    const Section keys = section.section("assertion_keys");
    for (const auto& name : keys.names()) base.read(keys, name, out.assertion_keys[name]);
    out.verification = verification(section.section("verification"));
    out.sessions = sessions(section.section("sessions"));
    return out;
}

void digest_client_secrets(const json::Var& document) {
    const auto clients = json::find(document, "/identity/clients");
    if (!clients) return;
    for (const json::Var& client : *clients->extract<json::Array::Ptr>()) {
        json::Object::Ptr members = client.extract<json::Object::Ptr>();
        std::string digest;
        for (auto& [name, value] : *members) {
            if (name != "secret") continue;
            digest = sha256_hex(value.extract<std::string>());
            // Poco gives no way to change the text of a Var; its memory is ours all the same.
            wipe(const_cast<std::string&>(value.extract<std::string>()));
        }
        if (digest.empty()) continue;
        members->remove("secret");
        auto digests = members->getArray("secret_sha256");
        if (!digests) members->set("secret_sha256", digests = json::array());
        digests->add(digest);
    }
}

}  // namespace acp::config
