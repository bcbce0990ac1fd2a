#include "unit/auth/house.h"

#include <catch2/catch.hpp>

#include "auth/claims.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "unit/jose/forge.h"

namespace acp::auth::test {

using identity::Client;
using identity::ClientAuth;

namespace {

const std::vector<std::string> kScopes{"read:infrastructure", "manage:infrastructure"};

std::string base64(std::string_view bytes) {
    std::string out = base64url(bytes);
    std::replace(out.begin(), out.end(), '-', '+');
    std::replace(out.begin(), out.end(), '_', '/');
    return out.append((4 - out.size() % 4) % 4, '=');
}

std::string encoded(std::string_view text) {
    std::string out;
    for (char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
        if (plain)
            out += c;
        else
            out += "%" + hex({&c, 1});
    }
    return out;
}

Client client(std::string id, std::vector<ClientAuth> methods) {
    Client out;
    out.id = std::move(id);
    out.methods = std::move(methods);
    out.grants = {"client_credentials", kExchange};
    out.scopes = kScopes;
    out.audiences = {"https://orders.example", "billing"};
    return out;
}

Client with_secret(std::string id, std::vector<ClientAuth> methods = {ClientAuth::client_secret_basic}) {
    Client out = client(std::move(id), std::move(methods));
    out.secret_sha256 = {sha256_hex("an older secret"), sha256_hex(kSecret + out.id)};
    return out;
}

identity::Clients registered(const jose::PrivateKey& key) {
    std::vector<Client> all{with_secret("basic"),
                            with_secret("post", {ClientAuth::client_secret_post}),
                            client("jwt", {ClientAuth::private_key_jwt}),
                            client("mtls", {ClientAuth::tls_client_auth}),
                            client("dn", {ClientAuth::tls_client_auth}),
                            client("svid", {ClientAuth::jwt_svid}),
                            client("kube", {ClientAuth::kubernetes}),
                            client("public", {ClientAuth::none}),
                            with_secret("bound"),
                            with_secret("auditor"),
                            with_secret("idle"),
                            with_secret("both", {ClientAuth::client_secret_basic, ClientAuth::client_secret_post}),
                            with_secret("odd:id +%")};
    for (auto& one : all) {
        if (one.id == "jwt") one.keys = jose::KeySet({key.public_key()});
        if (one.id == "mtls" || one.id == "svid") one.spiffe_id = kSpiffe;
        if (one.id == "dn") one.certificate_subject = "CN=worker,O=Example";
        if (one.id == "kube") one.service_account = "prod/worker";
        if (one.id == "bound") one.dpop_required = true;
        if (one.id == "auditor") one.scopes = {"introspect:tokens"};
        if (one.id == "idle") one.grants.clear();
        if (one.id == "public") one.grants = {"urn:ietf:params:oauth:grant-type:device_code"};
    }
    return identity::Clients(std::move(all));
}

std::vector<identity::TrustedIssuer> trusted() {
    identity::TrustedIssuer users;
    users.issuer = "https://idp.example";
    users.jwks_url = "https://idp.example/keys";
    users.audiences = {"alphaswarm-cp"};
    identity::TrustedIssuer services;
    services.issuer = "https://spire.example";
    services.jwks_url = "https://spire.example/keys";
    services.audiences = {"alphaswarm-cp"};
    services.types = {"", "jwt"};
    services.actor_kind = "service";
    return {users, services};
}

identity::Roles roles() {
    identity::RoleRule rule;
    rule.issuer = "https://idp.example";
    rule.claim = "groups";
    rule.test = identity::RoleRule::Test::contains;
    rule.value = "ops";
    rule.scopes = {"read:infrastructure"};
    identity::RoleRule web;
    web.issuer = rule.issuer;
    web.claim = "team";
    web.value = "web";
    web.role = "operator";
    identity::RoleRule audit = web;
    audit.value = "audit";
    audit.role = "auditor";
    identity::RoleTable table = identity::default_roles();
    table["auditor"] = {"read:infrastructure"};
    return identity::Roles(std::move(table), {rule, web, audit});
}

}  // namespace

std::string basic(const std::string& id, const std::string& secret) {
    return "Basic " + base64(encoded(id) + ":" + encoded(secret));
}

tls::PeerIdentity certificate(const std::string& subject, const std::string& spiffe_id, const std::string& der) {
    tls::PeerIdentity out;
    out.certificate.subject = subject;
    out.certificate.sha256 = sha256_hex(der);
    if (!spiffe_id.empty()) out.spiffe_id = spiffe_id;
    out.der = der;
    return out;
}

std::string Reply::field(const std::string& name) const {
    for (const auto& [n, v] : response.fields)
        if (n == name) return v;
    return {};
}

Result<void> MemoryLog::require(ledger::SecurityEvent event) {
    if (broken) return fail(Code::unavailable, "audit_unavailable", "the ledger cannot keep it");
    events.push_back(std::move(event));
    return {};
}

std::string MemoryLog::text() const {
    std::string out;
    for (const auto& e : events) out += e.kind + " " + e.actor + " " + e.target + " " + e.outcome + " " + json::dump(e.details) + "\n";
    return out;
}

Settings House::default_settings() {
    Settings out = make_settings(kIssuer, "http://127.0.0.1:1");
    out.audience = "alphaswarm-cp";
    return out;
}

House::House(Settings settings, identity::DpopRules dpop) : now(unix_ns() / 1'000'000'000), clients(registered(client_key)) {
    parts.keys = identity::Keyring::open(dir.path() / "keys", 0).value();
    identity::KeyRules rules;
    rules.fetch = [this](const std::string&, const std::string&) -> Result<std::string> { return jose::KeySet({issuer_key.public_key()}).json(); };
    parts.trusted = std::make_shared<identity::TrustedIssuers>(trusted(), roles(), std::make_shared<identity::KeySources>(std::move(rules)), 30);
    parts.revocations = std::make_shared<identity::Revocations>(*store);
    parts.proofs = std::make_shared<identity::DpopProofs>(*store, dpop);
    trust = std::make_unique<TrustParts>(settings.issuer, parts);
    plugins::AuthEndpoint endpoint;
    endpoint.operation_id = "token";
    endpoint.method = "POST";
    endpoint.path = "/m2m/token";
    endpoint.grant_type = "client_credentials";
    endpoint.input = ACP_AUTH_INPUT_FORM;
    endpoint.flags = ACP_AUTH_NEEDS_CLIENT;
    flows.push_back({"m2m", {endpoint}, [this](const plugins::CallContext&, const plugins::AuthRequest& request) -> Result<plugins::AuthDecision> {
                         seen.push_back(request);
                         return decide ? decide(request) : m2m(request);
                     }});
    endpoints = std::make_unique<Endpoints>(Services{std::move(settings), clients, *parts.keys, *store, *trust, log, counters,
                                                     [this] { return flows; }, nullptr, [this] { return now; }});
    for (auto& mounted : endpoints->routes()) routes_.push_back(std::move(mounted.route));
}

plugins::AuthDecision House::m2m(const plugins::AuthRequest& request) const {
    plugins::AuthDecision out;
    out.kind = plugins::AuthDecision::Kind::grant;
    out.identity.subject = request.client_id;
    out.identity.actor_kind = "service";
    for (const auto& [name, value] : request.params) {
        if (name == "scope") out.identity.scopes = words_of(value);
        if (name == "audience" || name == "resource") out.identity.audiences.push_back(value);
    }
    return out;
}

Reply House::ask(const Ask& ask) {
    auto context = std::make_shared<dispatch::Context>();
    context->method = "POST";
    context->path = ask.path;
    context->raw_query = ask.query;
    context->request_id = "req-1";
    context->peer = ask.peer;
    for (const auto& [name, value] : ask.form) context->body += (context->body.empty() ? "" : "&") + encoded(name) + "=" + encoded(value);
    if (!ask.raw_body.empty()) context->body = ask.raw_body;
    for (const auto& proof : ask.dpop) context->fields.emplace_back("dpop", proof);
    context->credentials = std::make_unique<dispatch::Credentials>();
    context->credentials->authorization = ask.authorization;
    context->credentials->certificate = ask.certificate;
    for (const auto& route : routes_) {
        if (route.method != "POST" || route.pattern != ask.path) continue;
        REQUIRE(route.wants_credentials);
        Reply reply{route.blocking(context), {}};
        reply.json = json::parse_object(reply.response.body).value_or(json::Object::Ptr());
        return reply;
    }
    FAIL("nothing is served at " + ask.path);
    return {};
}

Reply House::mint(const Pairs& more, const std::string& client) {
    Ask request;
    request.form = {{"grant_type", "client_credentials"}};
    request.form.insert(request.form.end(), more.begin(), more.end());
    request.authorization = {basic(client, kSecret + client)};
    return ask(request);
}

std::string House::token(const Pairs& more, const std::string& client) {
    Reply reply = mint(more, client);
    INFO(reply.response.body);
    REQUIRE(reply.status() == 200);
    return reply.text("access_token");
}

json::Object::Ptr House::claims_of(const std::string& token) const {
    auto parsed = jose::parse(token);
    REQUIRE(parsed);
    REQUIRE(parts.keys->signed_here(*parsed));
    CHECK(parsed->typ == "at+jwt");
    return parsed->claims;
}

std::string House::signed_by(const jose::PrivateKey& key, const std::string& typ, json::Object::Ptr claims,
                             const std::map<std::string, json::Var>& changes) {
    for (const auto& [name, value] : changes) {
        if (value.isEmpty())
            claims->remove(name);
        else
            claims->set(name, value);
    }
    return key.sign(typ, json::dump(claims)).value();
}

std::string House::own(const std::map<std::string, json::Var>& changes) {
    auto claims = json::object({{"iss", kIssuer},
                                {"sub", std::string("alice")},
                                {"aud", std::string("alphaswarm-cp")},
                                {"iat", now},
                                {"exp", now + 600},
                                {"jti", uuid7()},
                                {"client_id", std::string("console")},
                                {"scope", std::string("read:infrastructure workloads:halt")},
                                {"actor_kind", std::string("user")}});
    for (const auto& [name, value] : changes) {
        if (value.isEmpty())
            claims->remove(name);
        else
            claims->set(name, value);
    }
    return parts.keys->sign("at+jwt", json::dump(claims)).value();
}

std::string House::assertion(const std::map<std::string, json::Var>& changes, const std::string& typ) {
    return signed_by(
        client_key, typ,
        json::object({{"iss", std::string("jwt")}, {"sub", std::string("jwt")}, {"aud", kIssuer}, {"iat", now}, {"exp", now + 60}, {"jti", uuid7()}}),
        changes);
}

std::string House::foreign(const std::string& issuer, const std::map<std::string, json::Var>& changes, const std::string& typ) {
    return signed_by(issuer_key, typ,
                     json::object({{"iss", issuer},
                                   {"sub", std::string("bob")},
                                   {"aud", std::string("alphaswarm-cp")},
                                   {"iat", now},
                                   {"exp", now + 600},
                                   {"jti", uuid7()}}),
                     changes);
}

std::string House::proof(const std::map<std::string, json::Var>& changes, const std::string& path) {
    auto claims = json::object({{"jti", uuid7()}, {"htm", std::string("POST")}, {"htu", "https://cp.example" + path}, {"iat", now}});
    for (const auto& [name, value] : changes) {
        if (value.isEmpty())
            claims->remove(name);
        else
            claims->set(name, value);
    }
    auto jwk = proof_key.public_key().jwk();
    jwk->remove("kid");
    const auto header = json::object({{"alg", std::string("ES256")}, {"typ", std::string("dpop+jwt")}, {"jwk", jwk}});
    return jose::test::forge(proof_key, json::dump(header), json::dump(claims));
}

}  // namespace acp::auth::test
