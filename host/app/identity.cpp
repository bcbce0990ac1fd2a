#include "app/identity.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>
#include <utility>

#include "base/bytes.h"
#include "base/secret_file.h"
#include "identity/make_verifier.h"

namespace acp::app {

namespace {

constexpr std::pair<std::string_view, identity::ClientAuth> kMethods[] = {
    {"none", identity::ClientAuth::none},
    {"client_secret_basic", identity::ClientAuth::client_secret_basic},
    {"client_secret_post", identity::ClientAuth::client_secret_post},
    {"private_key_jwt", identity::ClientAuth::private_key_jwt},
    {"tls_client_auth", identity::ClientAuth::tls_client_auth},
    {"jwt_svid", identity::ClientAuth::jwt_svid},
    {"kubernetes", identity::ClientAuth::kubernetes},
};

/// What is wrong with the value of `key` in a client's entry.
Violation wrong(const config::Config& config, const config::OauthClient& client, const char* key,
                const std::string& what) {
    const std::string pointer = client.pointer + key;
    return config::locate(config.origins.at(pointer), pointer, what);
}

std::optional<std::string> text_of(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    std::ostringstream text;
    if (!stream || !(text << stream.rdbuf())) return {};
    return text.str();
}

Result<jose::KeySet> keys_of(const config::Config& config, const config::OauthClient& client,
                             std::vector<Violation>& wrongs) {
    const bool in_file = !client.jwks_file.empty();
    if (!in_file && client.jwks_json.empty()) return jose::KeySet();
    const char* key = in_file ? "/jwks_file" : "/jwks";
    const auto text = in_file ? text_of(client.jwks_file) : client.jwks_json;
    auto keys = text ? jose::KeySet::parse(*text)
                     : fail(Code::not_found, "unreadable", "cannot be read: " + client.jwks_file.string());
    if (!keys) wrongs.push_back(wrong(config, client, key, keys.error().message));
    if (keys && keys->keys().empty())
        wrongs.push_back(wrong(config, client, key, "holds no key that can check a signature"));
    return keys;
}

identity::Client client_of(const config::OauthClient& from, jose::KeySet keys) {
    identity::Client to;
    to.id = from.id;
    to.name = from.name;
    for (const auto& [name, method] : kMethods)
        if (std::find(from.methods.begin(), from.methods.end(), name) != from.methods.end())
            to.methods.push_back(method);
    to.grants = from.grants;
    to.scopes = from.scopes;
    to.audiences = from.audiences;
    to.secret_sha256 = from.secret_sha256;
    to.keys = std::move(keys);
    to.spiffe_id = from.spiffe_id;
    to.certificate_subject = from.certificate_subject;
    to.service_account = from.service_account;
    to.actor_kind = from.kind;
    to.organization_id = from.organization_id;
    to.dpop_required = from.dpop_required;
    to.token_ttl_s = from.token_ttl_s;
    return to;
}

identity::TrustedIssuer issuer_of(const config::Issuer& from) {
    identity::TrustedIssuer to;
    to.issuer = from.issuer;
    to.jwks_url = from.jwks_url;
    to.ca_file = from.ca_file.string();
    to.audiences = from.audiences;
    to.algorithms.clear();
    for (const auto& name : from.algorithms)
        if (const auto algorithm = jose::algorithm_of(name)) to.algorithms.push_back(*algorithm);
    to.types = from.types;
    to.actor_kind = from.kind;
    to.subject_prefix = from.subject_prefix;
    to.trust_scopes = from.trust_scopes;
    to.claims = {from.claims.subject, from.claims.client, from.claims.organization, from.claims.scopes,
                 from.claims.resources};
    return to;
}

identity::Roles roles_of(const config::Identity& from) {
    identity::RoleTable table = identity::default_roles();
    for (const auto& [name, scopes] : from.roles) table.insert_or_assign(name, scopes);
    std::vector<identity::RoleRule> rules;
    for (const auto& rule : from.role_mapping) {
        const bool equals = !rule.equals.empty();
        rules.push_back({rule.issuer, rule.claim,
                         equals ? identity::RoleRule::Test::equals : identity::RoleRule::Test::contains,
                         equals ? rule.equals : rule.contains, rule.role, rule.scopes});
    }
    return identity::Roles(std::move(table), std::move(rules));
}

identity::KeyRules key_rules_of(const config::Verification& from) {
    identity::KeyRules rules;
    rules.times.keep_ms = from.keys_keep_s * 1000;
    rules.times.stale_ms = from.keys_stale_s * 1000;
    rules.times.unknown_kid_ms = from.unknown_kid_s * 1000;
    return rules;
}

Result<std::map<std::string, jose::PrivateKey, std::less<>>> assertion_keys_of(const config::Config& config) {
    std::map<std::string, jose::PrivateKey, std::less<>> out;
    Error e;
    e.code = Code::invalid;
    e.slug = "config_invalid";
    e.message = "assertion keys cannot be used";
    for (const auto& [name, file] : config.identity.assertion_keys) {
        auto text = read_secret_file(file);
        auto key = text ? jose::PrivateKey::from_pem(*text) : fail(text.error());
        if (text) wipe(*text);
        const std::string pointer = "/identity/assertion_keys/" + name;
        if (key)
            out.emplace(name, std::move(*key));
        else
            e.violations.push_back(config::locate(config.origins.at(pointer), pointer, file.string() + ": " + key.error().message));
    }
    if (!e.violations.empty()) return fail(std::move(e));
    return out;
}

}  // namespace

Result<identity::Clients> clients_of(const config::Config& config) {
    std::vector<identity::Client> clients;
    std::vector<Violation> wrongs;
    for (const auto& entry : config.identity.clients) {
        auto keys = keys_of(config, entry, wrongs);
        if (keys) clients.push_back(client_of(entry, std::move(*keys)));
    }
    if (wrongs.empty()) return identity::Clients(std::move(clients));
    Error e;
    e.code = Code::invalid;
    e.slug = "config_invalid";
    e.message = "keys of clients cannot be used";
    e.violations = std::move(wrongs);
    return fail(std::move(e));
}

Result<IdentityParts> make_identity(const config::Config& config, std::shared_ptr<identity::Keyring> keys,
                                    state::Store& store) {
    auto clients = clients_of(config);
    if (!clients) return fail(clients.error());
    const config::Identity& settings = config.identity;
    std::vector<identity::TrustedIssuer> issuers;
    for (const auto& entry : settings.issuers) issuers.push_back(issuer_of(entry));

    IdentityParts parts;
    parts.clients = std::move(*clients);
    parts.keys = std::move(keys);
    auto assertion_keys = assertion_keys_of(config);
    if (!assertion_keys) return fail(assertion_keys.error());
    parts.assertion_keys = std::move(*assertion_keys);
    parts.trusted = std::make_shared<identity::TrustedIssuers>(
        std::move(issuers), roles_of(settings),
        std::make_shared<identity::KeySources>(key_rules_of(settings.verification)), settings.leeway_s);
    parts.revocations = std::make_shared<identity::Revocations>(store);
    parts.proofs = std::make_shared<identity::DpopProofs>(
        store,
        identity::DpopRules{settings.verification.dpop_window_s, settings.leeway_s, settings.verification.dpop_nonce});
    parts.verifier = identity::make_verifier({settings.issuer, settings.audience, settings.leeway_s,
                                              static_cast<std::size_t>(settings.verification.cached_tokens)},
                                             {parts.keys, parts.trusted, parts.revocations, parts.proofs});
    parts.revocations->follow(settings.verification.revocation_poll_s * 1000);
    return parts;
}

}  // namespace acp::app
