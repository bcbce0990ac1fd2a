// The section `identity`: what it becomes, and every mistake that can be made in it.
#include <catch2/catch.hpp>
#include <string>

#include "base/bytes.h"
#include "config/load.h"

using namespace acp;
using namespace acp::config;

namespace {

constexpr std::string_view kSecret = "0123456789abcdefghijklmnopqrstuv";

Identity loaded(const std::string& section, const Environment& environment = {}) {
    auto config = load_text("data_dir: d\nidentity:\n" + section, "/etc/acp/f.yaml", environment, {});
    if (!config) FAIL(describe(config.error()));
    return config->identity;
}

std::string told(const std::string& section, const Environment& environment = {}) {
    auto config = load_text("data_dir: d\nidentity:\n" + section, "f.yaml", environment, {});
    INFO(section);
    if (config) return "";
    return describe(config.error());
}

/// One client with these further keys.
std::string client(const std::string& more) {
    return "  clients:\n    - {id: c, grants: [client_credentials], " + more + "}\n";
}
std::string issuer(const std::string& more) {
    return "  issuers:\n    - {audiences: [a], " + more + "}\n";
}

}  // namespace

TEST_CASE("a full section identity", "[config]") {
    const Identity identity = loaded(R"(
  issuers:
    - issuer: https://login.example/t/v2.0
      audiences: [api://cp]
      algorithms: [RS256]
      types: [at+jwt, jwt, ""]
      kind: agent
      subject_prefix: "entra:"
      trust_scopes: true
      claims: {subject: oid, client: azp, organization: tid, scopes: scp, resources: /ext/resources}
      ca_file: ca.pem
      jwks_url: https://keys.example/jwks
    - {issuer: "http://127.0.0.1:8080/a", audiences: [b], jwks_url: "http://localhost/keys"}
  roles: {viewer: [read:topology], auditor: [read:infrastructure, "a:b"]}
  role_mapping:
    - {issuer: "https://login.example/t/v2.0", claim: roles, contains: Ops, role: operator}
    - {issuer: "https://login.example/t/v2.0", claim: /a/b, equals: x, scopes: [read:topology]}
    - {issuer: "http://127.0.0.1:8080/a", claim: sub, equals: x, role: auditor}
  clients:
    - id: bot
      name: Deploy bot
      methods: [client_secret_basic, client_secret_post]
      grants: [client_credentials]
      scopes: [read:infrastructure]
      audiences: [other]
      secret: ${BOT_SECRET}
      secret_sha256: [AA00000000000000000000000000000000000000000000000000000000000000]
      organization_id: o
      dpop_required: true
      token_ttl_s: 60
    - {id: k, methods: [private_key_jwt], grants: [client_credentials], jwks: {keys: []}, kind: agent}
    - {id: f, methods: [private_key_jwt], grants: [client_credentials], jwks_file: keys/f.json}
    - {id: t, methods: [tls_client_auth, jwt_svid], grants: [client_credentials], spiffe_id: "spiffe://a.example/w"}
    - {id: s, methods: [tls_client_auth], grants: [client_credentials], certificate_subject: "CN=a,O=b"}
    - {id: n, methods: [kubernetes], grants: [client_credentials], service_account: ns/sa}
    - {id: d, methods: [none], grants: ["urn:ietf:params:oauth:grant-type:device_code"]}
  sessions: {idle_s: 61, absolute_s: 62, grace_s: 3}
  verification: {cached_tokens: 1, keys_keep_s: 60, keys_stale_s: 2, unknown_kid_s: 3, revocation_poll_s: 4, dpop_window_s: 5, dpop_nonce: true}
)",
                                     {{"BOT_SECRET", std::string(kSecret)}});
    REQUIRE(identity.issuers.size() == 2);
    Issuer entra;
    entra.issuer = "https://login.example/t/v2.0";
    entra.jwks_url = "https://keys.example/jwks";
    entra.ca_file = "/etc/acp/ca.pem";
    entra.audiences = {"api://cp"};
    entra.algorithms = {"RS256"};
    entra.types = {"at+jwt", "jwt", ""};
    entra.kind = "agent";
    entra.subject_prefix = "entra:";
    entra.trust_scopes = true;
    entra.claims = {"oid", "azp", "tid", "scp", "/ext/resources"};
    CHECK(identity.issuers[0] == entra);
    CHECK(identity.issuers[1].types == std::vector<std::string>{"at+jwt"});
    CHECK(identity.issuers[1].claims == ClaimNames());
    CHECK(identity.roles.at("auditor") == std::vector<std::string>{"read:infrastructure", "a:b"});
    CHECK(identity.roles.at("viewer") == std::vector<std::string>{"read:topology"});
    REQUIRE(identity.role_mapping.size() == 3);
    CHECK(identity.role_mapping[0] == RoleRule{"https://login.example/t/v2.0", "roles", "", "Ops", "operator", {}});
    CHECK(identity.role_mapping[1] == RoleRule{"https://login.example/t/v2.0", "/a/b", "x", "", "", {"read:topology"}});
    REQUIRE(identity.clients.size() == 7);
    OauthClient bot;
    bot.id = "bot";
    bot.name = "Deploy bot";
    bot.methods = {"client_secret_basic", "client_secret_post"};
    bot.grants = {"client_credentials"};
    bot.scopes = {"read:infrastructure"};
    bot.audiences = {"other"};
    bot.secret_sha256 = {"aa" + std::string(62, '0'), sha256_hex(kSecret)};
    bot.organization_id = "o";
    bot.dpop_required = true;
    bot.token_ttl_s = 60;
    bot.pointer = "/identity/clients/0";
    CHECK(identity.clients[0] == bot);
    CHECK(identity.clients[1].jwks_json == R"({"keys":[]})");
    CHECK(identity.clients[1].kind == "agent");
    CHECK(identity.clients[1].secret_sha256.empty());
    CHECK(identity.clients[2].jwks_file == "/etc/acp/keys/f.json");
    CHECK(identity.clients[3].spiffe_id == "spiffe://a.example/w");
    CHECK(identity.clients[4].certificate_subject == "CN=a,O=b");
    CHECK(identity.clients[5].service_account == "ns/sa");
    CHECK(identity.verification == Verification{1, 60, 2, 3, 4, 5, true});
    CHECK(identity.sessions == Sessions{61, 62, 3});
}

TEST_CASE("issuers that cannot be meant", "[config]") {
    CHECK(told(issuer("issuer: 'https://a.example'")).empty());
    CHECK(told(issuer("issuer: 'http://localhost:8080/x'")).empty());
    CHECK(told(issuer("issuer: 'http://[::1]/x'")).empty());
    CHECK(told(issuer("issuer: 'http://a.example'")) ==
          "f.yaml:4:24: key identity.issuers[0].issuer: is plain http to another host; use https\n");
    // A name that begins like a loopback address is none.
    CHECK(told(issuer("issuer: 'http://127.evil.example'")).find("is plain http to another host") != std::string::npos);
    CHECK(told(issuer("issuer: 'http://localhost.evil.example'")).find("is plain http") != std::string::npos);
    CHECK(told(issuer("issuer: 'http://127.0.0.1@evil.example/'")).find("is plain http") != std::string::npos);
    CHECK(told(issuer("issuer: kubernetes/serviceaccount")) ==
          "f.yaml:4:24: key identity.issuers[0].issuer: is no URL, so its keys cannot be discovered; set jwks_url\n");
    CHECK(told(issuer("issuer: kubernetes/serviceaccount, jwks_url: 'https://k/openid/v1/jwks'")).empty());
    CHECK(told(issuer("issuer: 'https://a.example', jwks_url: 'http://127.0.0.1/k'"))
              .find("issuers[0].jwks_url: must be https") != std::string::npos);
    CHECK(told(issuer("issuer: 'http://127.0.0.1', jwks_url: 'http://b.example/k'"))
              .find("issuers[0].jwks_url: must be https") != std::string::npos);
    CHECK(told(issuer("issuer: 'https://a.example', jwks_url: 'file:///k'")).find("issuers[0].jwks_url: must match") !=
          std::string::npos);
    CHECK(told("  issuer: 'https://a.example'\n" + issuer("issuer: 'https://a.example'"))
              .find("issuers[0].issuer: is this server's own issuer") != std::string::npos);
    CHECK(told(issuer("issuer: urn:alphaswarm:cp, jwks_url: 'https://k'")).find("is this server's own issuer") !=
          std::string::npos);
    CHECK(
        told(
            "  issuers:\n    - {issuer: 'https://a', audiences: [a]}\n    - {issuer: 'https://a', audiences: [b]}\n") ==
        "f.yaml:5:8: key identity.issuers[1].issuer: is taken by identity.issuers[0] (f.yaml:4:8); keep one\n");
    CHECK(told("  issuers: [{issuer: 'https://a', audiences: []}]\n").find("issuers[0].audiences: must not be empty") !=
          std::string::npos);
    CHECK(told("  issuers: [{issuer: 'https://a'}]\n").find("missing key audiences") != std::string::npos);
    CHECK(told(issuer("issuer: 'https://a', algorithms: [HS256]")).find("algorithms[0]: must be one of \"RS256\"") !=
          std::string::npos);
    CHECK(told(issuer("issuer: 'https://a', algorithms: [none]")).find("algorithms[0]: must be one of") !=
          std::string::npos);
    CHECK(told(issuer("issuer: 'https://a', kind: system"))
              .find("issuers[0].kind: must be one of \"user\", \"service\", \"agent\"") != std::string::npos);
    CHECK(told(issuer("issuer: 'https://a', types: [JWT]")).find("types[0]: must match") != std::string::npos);
}

TEST_CASE("role rules that give nothing, or more than one thing", "[config]") {
    const std::string base = issuer("issuer: 'https://a'") + "  role_mapping:\n    - {claim: c, ";
    CHECK(told(base + "issuer: 'https://a', equals: x, role: viewer}\n").empty());
    CHECK(told(base + "issuer: 'https://a', role: viewer}\n") ==
          "f.yaml:6:7: key identity.role_mapping[0]: must have either equals or contains\n");
    CHECK(
        told(base + "issuer: 'https://a', equals: x, contains: y, role: viewer}\n").find("either equals or contains") !=
        std::string::npos);
    CHECK(told(base + "issuer: 'https://a', equals: x}\n") ==
          "f.yaml:6:7: key identity.role_mapping[0]: must have either role or scopes\n");
    CHECK(told(base + "issuer: 'https://a', equals: x, role: viewer, scopes: [a]}\n").find("either role or scopes") !=
          std::string::npos);
    CHECK(told(base + "issuer: 'https://b', equals: x, role: viewer}\n")
              .find("role_mapping[0].issuer: names no entry of identity.issuers") != std::string::npos);
    CHECK(told(base + "issuer: 'https://a', equals: x, role: viewr}\n") ==
          "f.yaml:6:50: key identity.role_mapping[0].role: names no role; did you mean viewer? known: viewer, "
          "operator, editor, admin, superadmin\n");
    CHECK(told("  roles: {auditor: [a]}\n" + base + "issuer: 'https://a', equals: x, role: auditor}\n").empty());
    CHECK(told("  roles: {Auditor: [a]}\n").find("Auditor") != std::string::npos);
    CHECK(told("  roles: {auditor: ['a b']}\n").find("identity.roles.auditor[0]: must match") != std::string::npos);
    CHECK(told("  roles: {auditor: a}\n").find("identity.roles.auditor: must be array") != std::string::npos);
}

TEST_CASE("clients that cannot prove themselves, or prove too much", "[config]") {
    const std::string secret = "secret: " + std::string(kSecret);
    CHECK(told(client("methods: [client_secret_basic], " + secret)).empty());
    CHECK(told("  clients: [{id: c, grants: [a]}]\n").find("clients[0]: missing key methods") != std::string::npos);
    CHECK(told(client("methods: []")).find("clients[0].methods: must not be empty") != std::string::npos);
    CHECK(told("  clients: [{id: c, kind: agent, methods: [], grants: []}]\n").empty());
    CHECK(told("  clients: [{id: c, kind: agent, methods: [], grants: [a]}]\n").find("clients[0].grants: must be empty") != std::string::npos);
    CHECK(told("  clients: [{id: c, kind: agent, methods: [none], grants: []}]\n").find("clients[0].grants: must not be empty") != std::string::npos);
    CHECK(told(client("methods: [client_secret_basic]")) ==
          "f.yaml:4:45: key identity.clients[0].methods: client_secret_basic needs secret or secret_sha256\n");
    CHECK(told(client("methods: [private_key_jwt]")).find("private_key_jwt needs jwks or jwks_file") !=
          std::string::npos);
    CHECK(told(client("methods: [tls_client_auth]")).find("tls_client_auth needs spiffe_id or certificate_subject") !=
          std::string::npos);
    CHECK(told(client("methods: [jwt_svid], certificate_subject: CN=a")).find("jwt_svid needs spiffe_id") !=
          std::string::npos);
    CHECK(told(client("methods: [kubernetes]")).find("kubernetes needs service_account") != std::string::npos);
    CHECK(told("  clients: [{id: c, grants: [a], methods: [none], " + secret + "}]\n")
              .find("clients[0].secret: proves nothing: it goes with the method client_secret_basic or "
                    "client_secret_post") != std::string::npos);
    CHECK(
        told(client("methods: [kubernetes], service_account: a/b, jwks: {}")).find("clients[0].jwks: proves nothing") !=
        std::string::npos);
    CHECK(told(client("methods: [none, kubernetes], service_account: a/b")).find("none is for a public client") !=
          std::string::npos);
    CHECK(told(client("methods: [none]"))
              .find("clients[0].grants: client_credentials needs a client that can prove itself") != std::string::npos);
    CHECK(told(client("methods: [private_key_jwt], jwks: {}, jwks_file: f"))
              .find("clients[0].jwks_file: goes without jwks") != std::string::npos);
    CHECK(told(client("methods: [password], " + secret)).find("methods[0]: must be one of \"none\"") !=
          std::string::npos);
    CHECK(told(client("methods: [client_secret_basic], secret_sha256: [abc]")).find("secret_sha256[0]: must match") !=
          std::string::npos);
    CHECK(told(client("methods: [kubernetes], service_account: a")).find("service_account: must match") !=
          std::string::npos);
    CHECK(told(client("methods: [tls_client_auth], spiffe_id: 'https://a'")).find("spiffe_id: must match") !=
          std::string::npos);
    CHECK(
        told(
            "  clients:\n    - {id: c, grants: [a], methods: [none]}\n    - {id: c, grants: [a], methods: [none]}\n") ==
        "f.yaml:5:8: key identity.clients[1].id: is taken by identity.clients[0] (f.yaml:4:8); keep one\n");
}

TEST_CASE("a client's secret is told nowhere", "[config]") {
    const std::string weak = told(client("methods: [client_secret_basic], secret: hunter2"));
    CHECK(weak.find("clients[0].secret: ") != std::string::npos);
    CHECK(weak.find("hunter2") == std::string::npos);
    const std::string twice = told(client("methods: [none], secret: " + std::string(kSecret)));
    CHECK_FALSE(twice.empty());
    CHECK(twice.find(kSecret) == std::string::npos);
    CHECK(told(client("methods: [client_secret_basic], secret: \"${MISSING}\""))
              .find("environment variable MISSING is not set") != std::string::npos);
}
