// What the claims of a token that holds make of its bearer.
#include "identity/principal_of.h"

#include <catch2/catch.hpp>

#include "unit/identity/tokens.h"

using namespace acp;
using namespace acp::identity;

namespace {

using Names = std::vector<std::string>;
constexpr Times kTimes{1'800'000'600, 1'800'000'000};

json::Object::Ptr own(const std::string& change = "{}") {
    return test::with(
        json::parse_object(R"({"iss":"https://cp.example","sub":"alice","client_id":"cli","jti":"t1","scope":"a b"})")
            .value(),
        change);
}
json::Object::Ptr foreign(const std::string& change = "{}") {
    return test::with(
        json::parse_object(R"({"iss":"https://idp.example","sub":"alice","scope":"admin:cluster","groups":["ops"]})")
            .value(),
        change);
}

TrustedIssuer idp() {
    TrustedIssuer issuer;
    issuer.issuer = "https://idp.example";
    return issuer;
}
const Roles& roles() {
    static const Roles one(default_roles(),
                           {{"https://idp.example", "groups", RoleRule::Test::contains, "ops", "viewer", {}}});
    return one;
}

std::string fault(const std::string& change) {
    const auto who = principal_of(own(change), kTimes);
    return who ? "" : who.error().internal;
}
std::string foreign_fault(const std::string& change, const TrustedIssuer& issuer = idp()) {
    const auto who = principal_of(foreign(change), kTimes, issuer, roles());
    return who ? "" : who.error().internal;
}

}  // namespace

TEST_CASE("all that an own token can say", "[principal]") {
    const std::string jkt(43, 'k'), x5t(43, 'c');
    const auto who =
        principal_of(
            own(R"({"actor_kind":"agent","organization_id":"o","resources":["web","db"],"acr":"high","auth_time":1799999990,
        "act":{"sub":"bot","act":{"sub":"root"}},"cnf":{"jkt":")" +
                jkt + R"(","x5t#S256":")" + x5t + R"("}})"),
            kTimes)
            .value();
    CHECK(who.subject == "alice");
    CHECK(who.client_id == "cli");
    CHECK(who.token_id == "t1");
    CHECK(who.issuer == "https://cp.example");
    CHECK(who.scopes == Names{"a", "b"});
    CHECK(who.actor_kind == "agent");
    CHECK(who.organization_id == "o");
    CHECK(who.resources == Names{"web", "db"});
    CHECK(who.acr == "high");
    CHECK(who.auth_time_unix_s == 1799999990);
    CHECK(who.act_json == R"({"sub":"bot","act":{"sub":"root"}})");
    CHECK(who.key_thumbprint == jkt);
    CHECK(who.certificate_thumbprint == x5t);
    CHECK(who.expires_unix_s == 1'800'000'600);
    CHECK(who.session_id.empty());
}

TEST_CASE("a claim of an own token that is not what it must be", "[principal]") {
    struct Row {
        const char* change;
        const char* fault;
    };
    const std::vector<Row> rows = {
        {R"({"sub":null})", "sub"},
        {R"({"sub":""})", "sub"},
        {R"({"sub":7})", "sub"},
        {R"({"sub":"a\nb"})", "sub"},
        {R"({"client_id":null})", "client_id"},
        {R"({"client_id":["cli"]})", "client_id"},
        {R"({"jti":null})", "jti"},
        {R"({"jti":""})", "jti"},
        {R"({"jti":9})", "jti"},
        {R"({"scope":5})", "scope"},
        {R"({"scope":"a\"b"})", "scope"},
        {R"({"scope":["a b"]})", "scope"},
        {R"({"organization_id":1})", "organization_id"},
        {R"({"resources":5})", "resources"},
        {R"({"resources":[1]})", "resources"},
        {R"({"resources":{"a":1}})", "resources"},
        {R"({"acr":1})", "acr"},
        {R"({"auth_time":"now"})", "auth_time"},
        {R"({"auth_time":-1})", "auth_time"},
        {R"({"act":"bot"})", "act"},
        {R"({"act":[]})", "act"},
        {R"({"cnf":"x"})", "cnf"},
        {R"({"cnf":{}})", "cnf"},
        {R"({"cnf":{"jkt":"short"}})", "cnf"},
        {R"({"cnf":{"jkt":5}})", "cnf"},
        {R"({"cnf":{"jwk":{"kty":"EC"}}})", "cnf"},
        {R"({"cnf":{"kid":"x"}})", "cnf"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.change);
        CHECK(fault(row.change) == row.fault);
    }
    CHECK(fault(R"({"sub":")" + std::string(257, 's') + "\"}") == "sub");
    CHECK(fault(R"({"cnf":{"jkt":")" + std::string(43, 'k') + R"(","jku":"x"}})") == "cnf");
    CHECK(fault(R"({"scope":null})").empty());
    CHECK(fault(R"({"scope":""})").empty());
}

TEST_CASE("a filter that is empty lets nothing through, none lets all", "[principal]") {
    CHECK(principal_of(own(), kTimes)->resources.empty());
    CHECK(principal_of(own(R"({"resources":[]})"), kTimes)->resources == Names{""});
    CHECK(principal_of(own(R"({"resources":""})"), kTimes)->resources == Names{""});
    CHECK(principal_of(own(R"({"resources":"web db"})"), kTimes)->resources == Names{"web", "db"});
}

TEST_CASE("a foreign token's scopes count only where they are trusted", "[principal]") {
    const auto who = principal_of(foreign(), kTimes, idp(), roles()).value();
    CHECK(who.scopes == Names{"read:infrastructure", "read:topology"});
    CHECK_FALSE(who.may("admin:cluster"));
    CHECK(principal_of(foreign(R"({"groups":null})"), kTimes, idp(), roles())->scopes.empty());
    TrustedIssuer trusted = idp();
    trusted.trust_scopes = true;
    CHECK(principal_of(foreign(), kTimes, trusted, roles())->scopes ==
          Names{"read:infrastructure", "read:topology", "admin:cluster"});
    trusted.claims.scopes = "scp";
    CHECK(principal_of(foreign(R"({"scp":["x","read:topology"]})"), kTimes, trusted, roles())->scopes ==
          Names{"read:infrastructure", "read:topology", "x"});
    CHECK(foreign_fault(R"({"scp":5})", trusted) == "scp");
    // Own claims of ours mean nothing in a foreign token.
    CHECK(principal_of(foreign(R"({"actor_kind":"system"})"), kTimes, idp(), roles())->actor_kind == "user");
}

TEST_CASE("claims are where the issuer puts them", "[principal]") {
    TrustedIssuer issuer = idp();
    issuer.subject_prefix = "corp:";
    issuer.actor_kind = "service";
    issuer.claims = {"oid", "azp", "tid", "scp", "/ext/resources"};
    const auto who = principal_of(foreign(R"({"oid":"o1","azp":"app","tid":"t","ext":{"resources":["web"]}})"), kTimes,
                                  issuer, roles())
                         .value();
    CHECK(who.subject == "corp:o1");
    CHECK(who.client_id == "app");
    CHECK(who.organization_id == "t");
    CHECK(who.resources == Names{"web"});
    CHECK(who.actor_kind == "service");
    CHECK(foreign_fault("{}", issuer) == "sub");
    CHECK(principal_of(foreign(R"({"appid":"old"})"), kTimes, idp(), roles())->client_id == "old");
    CHECK(principal_of(foreign(), kTimes, idp(), roles())->client_id.empty());
    CHECK(principal_of(foreign(), kTimes, idp(), roles())->token_id.empty());
}

TEST_CASE("an ID token or a logout token is no access token", "[principal]") {
    for (const std::string name : {"nonce", "at_hash", "c_hash", "s_hash", "events"}) {
        CAPTURE(name);
        CHECK(foreign_fault("{\"" + name + "\":\"x\"}") == "no access token: " + name);
    }
}
