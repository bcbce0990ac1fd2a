// Who gets past the token endpoint, and at which check others fail.
#include <catch2/catch.hpp>

#include "base/bytes.h"
#include "unit/auth/house.h"

using namespace acp;
using namespace acp::auth;
using namespace acp::auth::test;

namespace {

const std::pair<std::string, std::string> kGrant{"grant_type", "client_credentials"};

Pairs with_assertion(const std::string& assertion, const Pairs& more = {}) {
    Pairs out{kGrant, {"client_assertion_type", kJwtBearer}, {"client_assertion", assertion}};
    out.insert(out.end(), more.begin(), more.end());
    return out;
}

struct Case {
    std::string name;
    std::function<Ask(House&)> make;
    std::string error;  ///< empty: it is let in
};

void check(const std::vector<Case>& cases) {
    for (const auto& c : cases) {
        House house;
        const Reply reply = house.ask(c.make(house));
        INFO(c.name << ": " << reply.response.body);
        CHECK(reply.error() == c.error);
        CHECK(reply.status() == (c.error.empty() ? 200 : c.error == "invalid_client" ? 401 : 400));
        CHECK(reply.field("Cache-Control") == "no-store");
        CHECK(reply.field("Pragma") == "no-cache");
        CHECK(house.seen.size() == (c.error.empty() ? 1 : 0));
        CHECK(house.log.text().find("canary") == std::string::npos);
        CHECK(reply.response.body.find("canary") == std::string::npos);
    }
}

Ask with_basic(const std::string& id, const std::string& secret, Pairs form = {kGrant}) {
    return {.form = std::move(form), .authorization = {basic(id, secret)}};
}

}  // namespace

TEST_CASE("secrets") {
    const auto raw = [](const std::string& value) { return [value](House&) { return Ask{.form = {kGrant}, .authorization = {value}}; }; };
    check({
        {"basic", [](House&) { return with_basic("basic", kSecret + "basic"); }, ""},
        {"an id and secret with every special character", [](House&) { return with_basic("odd:id +%", kSecret + "odd:id +%"); }, ""},
        {"the older of two secrets", [](House&) { return with_basic("basic", "an older secret"); }, ""},
        {"basic and the same client_id",
         [](House&) {
             return with_basic("basic", kSecret + "basic", {kGrant, {"client_id", "basic"}});
         },
         ""},
        {"the scheme in another case",
         [](House&) {
             std::string value = basic("basic", kSecret + "basic");
             return Ask{.form = {kGrant}, .authorization = {"bAsIc" + value.substr(5)}};
         },
         ""},
        {"post",
         [](House&) {
             return Ask{.form = {kGrant, {"client_id", "post"}, {"client_secret", kSecret + "post"}}};
         },
         ""},
        {"both registered, basic used", [](House&) { return with_basic("both", kSecret + "both"); }, ""},
        {"both registered, post used",
         [](House&) {
             return Ask{.form = {kGrant, {"client_id", "both"}, {"client_secret", kSecret + "both"}}};
         },
         ""},
        {"wrong secret", [](House&) { return with_basic("basic", "wrong"); }, "invalid_client"},
        {"empty secret", [](House&) { return with_basic("basic", ""); }, "invalid_client"},
        {"another client's secret", [](House&) { return with_basic("basic", kSecret + "bound"); }, "invalid_client"},
        {"the digest of the secret", [](House&) { return with_basic("basic", sha256_hex(kSecret + "basic")); }, "invalid_client"},
        {"unknown client", [](House&) { return with_basic("nobody", kSecret + "nobody"); }, "invalid_client"},
        {"post where basic is registered",
         [](House&) {
             return Ask{.form = {kGrant, {"client_id", "basic"}, {"client_secret", kSecret + "basic"}}};
         },
         "invalid_client"},
        {"basic where post is registered", [](House&) { return with_basic("post", kSecret + "post"); }, "invalid_client"},
        {"basic where a key is registered", [](House&) { return with_basic("jwt", ""); }, "invalid_client"},
        {"basic of a public client", [](House&) { return with_basic("public", ""); }, "invalid_client"},
        {"only client_id of a client with a secret",
         [](House&) {
             return Ask{.form = {kGrant, {"client_id", "basic"}}};
         },
         "invalid_client"},
        {"nothing at all", [](House&) { return Ask{.form = {kGrant}}; }, "invalid_client"},
        {"empty client_id",
         [](House&) {
             return Ask{.form = {kGrant, {"client_id", ""}}};
         },
         "invalid_client"},
        {"client_id beyond all bounds",
         [](House&) {
             return Ask{.form = {kGrant, {"client_id", std::string(300, 'a')}}};
         },
         "invalid_client"},
        {"secret without client_id",
         [](House&) {
             return Ask{.form = {kGrant, {"client_secret", kSecret + "post"}}};
         },
         "invalid_client"},
        {"bearer", raw("Bearer abc"), "invalid_client"},
        {"basic without value", raw("Basic "), "invalid_client"},
        {"basic without base64", raw("Basic ???"), "invalid_client"},
        {"basic in base64url", raw("Basic YmFzaWM6Pz8_"), "invalid_client"},
        {"basic without padding", raw("Basic YmFzaWM6eA"), "invalid_client"},
        {"basic without a colon", raw("Basic YmFzaWNh"), "invalid_client"},
        {"basic with a malformed escape", raw("Basic YmFzaWM6JXp6"), "invalid_client"},
    });
}

TEST_CASE("one proof, not two") {
    check({
        {"basic and post",
         [](House&) {
             return with_basic("both", kSecret + "both", {kGrant, {"client_id", "both"}, {"client_secret", kSecret + "both"}});
         },
         "invalid_request"},
        {"basic and an assertion",
         [](House& h) { return Ask{.form = with_assertion(h.assertion()), .authorization = {basic("basic", kSecret + "basic")}}; },
         "invalid_request"},
        {"post and an assertion",
         [](House& h) {
             return Ask{.form = with_assertion(h.assertion(), {{"client_id", "jwt"}, {"client_secret", "x"}})};
         },
         "invalid_request"},
        {"basic and an assertion type",
         [](House&) {
             return with_basic("basic", kSecret + "basic", {kGrant, {"client_assertion_type", kJwtBearer}});
         },
         "invalid_request"},
        {"two Authorization fields",
         [](House&) {
             return Ask{.form = {kGrant}, .authorization = {basic("basic", kSecret + "basic"), basic("basic", kSecret + "basic")}};
         },
         "invalid_request"},
        {"basic of one, client_id of another",
         [](House&) {
             return with_basic("basic", kSecret + "basic", {kGrant, {"client_id", "bound"}});
         },
         "invalid_request"},
        {"an assertion without its type",
         [](House& h) {
             return Ask{.form = {kGrant, {"client_assertion", h.assertion()}}};
         },
         "invalid_request"},
        {"a type without an assertion",
         [](House&) {
             return Ask{.form = {kGrant, {"client_assertion_type", kJwtBearer}}};
         },
         "invalid_request"},
        {"an unknown type",
         [](House& h) {
             return Ask{.form = {kGrant,
                                 {"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
                                 {"client_assertion", h.assertion()}}};
         },
         "invalid_request"},
        {"a certificate beside basic proves nothing more",
         [](House&) {
             Ask ask = with_basic("basic", kSecret + "basic");
             ask.certificate = certificate("CN=worker", kSpiffe, "der");
             return ask;
         },
         ""},
    });
}

TEST_CASE("the client's own key") {
    check({
        {"for the issuer", [](House& h) { return Ask{.form = with_assertion(h.assertion())}; }, ""},
        {"for the token endpoint",
         [](House& h) {
             return Ask{.form = with_assertion(h.assertion({{"aud", kIssuer + "/token"}}))};
         },
         ""},
        {"for a list with us in it",
         [](House& h) {
             auto list = json::array();
             list->add(kIssuer);
             return Ask{.form = with_assertion(h.assertion({{"aud", list}}))};
         },
         ""},
        {"with client_id",
         [](House& h) {
             return Ask{.form = with_assertion(h.assertion(), {{"client_id", "jwt"}})};
         },
         ""},
        {"typ client-authentication+jwt", [](House& h) { return Ask{.form = with_assertion(h.assertion({}, "client-authentication+jwt"))}; }, ""},
        {"without typ", [](House& h) { return Ask{.form = with_assertion(h.assertion({}, ""))}; }, ""},
        {"client_id of another",
         [](House& h) {
             return Ask{.form = with_assertion(h.assertion(), {{"client_id", "basic"}})};
         },
         "invalid_client"},
        {"iss of another",
         [](House& h) {
             return Ask{.form = with_assertion(h.assertion({{"iss", std::string("basic")}}))};
         },
         "invalid_client"},
        {"sub of another",
         [](House& h) {
             return Ask{.form = with_assertion(h.assertion({{"sub", std::string("basic")}}))};
         },
         "invalid_client"},
        {"sub and iss of another",
         [](House& h) {
             return Ask{.form = with_assertion(h.assertion({{"iss", std::string("basic")}, {"sub", std::string("basic")}}))};
         },
         "invalid_client"},
        {"of nobody",
         [](House& h) {
             return Ask{.form = with_assertion(h.assertion({{"iss", std::string("x")}, {"sub", std::string("x")}}))};
         },
         "invalid_client"},
        {"for somebody else",
         [](House& h) {
             return Ask{.form = with_assertion(h.assertion({{"aud", std::string("https://other.example")}}))};
         },
         "invalid_client"},
        {"for nobody",
         [](House& h) {
             return Ask{.form = with_assertion(h.assertion({{"aud", json::Var()}}))};
         },
         "invalid_client"},
        {"for an empty audience",
         [](House& h) {
             return Ask{.form = with_assertion(h.assertion({{"aud", std::string()}}))};
         },
         "invalid_client"},
        {"without exp",
         [](House& h) {
             return Ask{.form = with_assertion(h.assertion({{"exp", json::Var()}}))};
         },
         "invalid_client"},
        {"expired",
         [](House& h) {
             return Ask{.form = with_assertion(h.assertion({{"exp", h.now - 60}}))};
         },
         "invalid_client"},
        {"an hour ahead",
         [](House& h) {
             return Ask{.form = with_assertion(h.assertion({{"exp", h.now + 3600}}))};
         },
         "invalid_client"},
        {"from the future",
         [](House& h) {
             return Ask{.form = with_assertion(h.assertion({{"iat", h.now + 120}}))};
         },
         "invalid_client"},
        {"not yet",
         [](House& h) {
             return Ask{.form = with_assertion(h.assertion({{"nbf", h.now + 120}}))};
         },
         "invalid_client"},
        {"without jti",
         [](House& h) {
             return Ask{.form = with_assertion(h.assertion({{"jti", json::Var()}}))};
         },
         "invalid_client"},
        {"jti beyond all bounds",
         [](House& h) {
             return Ask{.form = with_assertion(h.assertion({{"jti", std::string(300, 'a')}}))};
         },
         "invalid_client"},
        {"an access token as assertion", [](House& h) { return Ask{.form = with_assertion(h.assertion({}, "at+jwt"))}; }, "invalid_client"},
        {"a proof as assertion", [](House& h) { return Ask{.form = with_assertion(h.assertion({}, "dpop+jwt"))}; }, "invalid_client"},
        {"a token of this server", [](House& h) { return Ask{.form = with_assertion(h.own())}; }, "invalid_client"},
        {"another key",
         [](House& h) {
             h.client_key = jose::PrivateKey::generate(jose::Algorithm::ES256).value();
             return Ask{.form = with_assertion(h.assertion())};
         },
         "invalid_client"},
        {"a broken signature",
         [](House& h) {
             std::string text = h.assertion();
             const auto at = text.rfind('.') + 5;
             text[at] = text[at] == 'A' ? 'B' : 'A';
             return Ask{.form = with_assertion(text)};
         },
         "invalid_client"},
        {"no token", [](House&) { return Ask{.form = with_assertion("canary")}; }, "invalid_client"},
        {"an empty one", [](House&) { return Ask{.form = with_assertion("")}; }, "invalid_client"},
    });
}

TEST_CASE("an assertion is good once") {
    House house;
    const std::string assertion = house.assertion();
    CHECK(house.ask({.form = with_assertion(assertion)}).status() == 200);
    CHECK(house.ask({.form = with_assertion(assertion)}).error() == "invalid_client");
    // Nor at another endpoint, nor by another signature over the same jti.
    Pairs form = with_assertion(assertion, {{"token", "x"}});
    CHECK(house.ask({.path = "/auth/introspect", .form = form}).error() == "invalid_client");
    const std::map<std::string, json::Var> same{{"jti", std::string("one")}};
    CHECK(house.ask({.form = with_assertion(house.assertion(same))}).status() == 200);
    CHECK(house.ask({.form = with_assertion(house.assertion(same))}).error() == "invalid_client");
}

TEST_CASE("an assertion that dies at a claim does not use up its jti") {
    House house;
    const std::map<std::string, json::Var> wrong{{"jti", std::string("one")}, {"aud", std::string("x")}};
    CHECK(house.ask({.form = with_assertion(house.assertion(wrong))}).error() == "invalid_client");
    CHECK(house.ask({.form = with_assertion(house.assertion({{"jti", std::string("one")}}))}).status() == 200);
}

TEST_CASE("certificates") {
    const auto with = [](const std::string& id, std::optional<tls::PeerIdentity> peer) {
        return [id, peer](House&) { return Ask{.form = {kGrant, {"client_id", id}}, .certificate = peer}; };
    };
    check({
        {"its SPIFFE ID", with("mtls", certificate("CN=x", kSpiffe, "der")), ""},
        {"its subject", with("dn", certificate("CN=worker,O=Example", "", "der")), ""},
        {"no certificate", with("mtls", std::nullopt), "invalid_client"},
        {"another SPIFFE ID", with("mtls", certificate("CN=x", kSpiffe + "2", "der")), "invalid_client"},
        {"a certificate without one", with("mtls", certificate("CN=x", "", "der")), "invalid_client"},
        {"another subject", with("dn", certificate("CN=worker,O=Other", "", "der")), "invalid_client"},
        {"the subject as SPIFFE ID", with("dn", certificate("CN=x", kSpiffe, "der")), "invalid_client"},
        {"no subject is nobody's", with("mtls", certificate("", "", "der")), "invalid_client"},
        {"a certificate for a client with a secret", with("basic", certificate("CN=x", kSpiffe, "der")), "invalid_client"},
        {"a certificate for a client with an SVID as token", with("svid", certificate("CN=x", kSpiffe, "der")), "invalid_client"},
    });
}

TEST_CASE("workloads that others vouch for") {
    const std::string spire = "https://spire.example";
    const std::string account = "system:serviceaccount:prod:worker";
    const auto with = [](const std::string& issuer, std::map<std::string, json::Var> changes, Pairs more = {}, std::string typ = "JWT") {
        changes.try_emplace("aud", kIssuer);
        return [=](House& h) { return Ask{.form = with_assertion(h.foreign(issuer, changes, typ), more)}; };
    };
    check({
        {"a JWT-SVID", with(spire, {{"sub", kSpiffe}}), ""},
        {"with client_id", with(spire, {{"sub", kSpiffe}}, {{"client_id", "svid"}}), ""},
        {"a service account", with(spire, {{"sub", account}}, {{"client_id", "kube"}}, ""), ""},
        {"another workload", with(spire, {{"sub", kSpiffe + "2"}}, {{"client_id", "svid"}}), "invalid_client"},
        {"another service account", with(spire, {{"sub", account + "2"}}, {{"client_id", "kube"}}), "invalid_client"},
        {"an account spelled as configured", with(spire, {{"sub", std::string("prod/worker")}}, {{"client_id", "kube"}}), "invalid_client"},
        {"an SVID for the client with an account", with(spire, {{"sub", kSpiffe}}, {{"client_id", "kube"}}), "invalid_client"},
        {"an SVID for the client with a certificate", with(spire, {{"sub", kSpiffe}}, {{"client_id", "mtls"}}), "invalid_client"},
        {"for another server", with(spire, {{"sub", kSpiffe}, {"aud", std::string("x")}}), "invalid_client"},
        {"for the interface alone", with(spire, {{"sub", kSpiffe}, {"aud", std::string("alphaswarm-cp")}}), "invalid_client"},
        {"expired", with(spire, {{"sub", kSpiffe}, {"exp", std::int64_t{1}}}), "invalid_client"},
        {"by an issuer of users", with("https://idp.example", {{"sub", kSpiffe}}), "invalid_client"},
        {"by nobody that is trusted", with("https://evil.example", {{"sub", kSpiffe}}), "invalid_client"},
        {"by the client itself",
         [](House& h) {
             return Ask{.form = with_assertion(h.assertion({{"iss", std::string("https://spire.example")}, {"sub", kSpiffe}}))};
         },
         "invalid_client"},
    });
}

TEST_CASE("a client that tried Basic is told so, others are not") {
    House house;
    CHECK(house.ask(with_basic("basic", "wrong")).field("WWW-Authenticate").starts_with("Basic "));
    CHECK(house.ask({.form = {kGrant, {"client_id", "post"}, {"client_secret", "wrong"}}}).field("WWW-Authenticate").empty());
}

TEST_CASE("an unknown client and a wrong secret look the same") {
    House house;
    const Reply unknown = house.ask(with_basic("nobody", "x"));
    const Reply wrong = house.ask(with_basic("basic", "x"));
    CHECK(unknown.response.body == wrong.response.body);
    CHECK(unknown.status() == wrong.status());
}

TEST_CASE("denials of known clients leave a row; those of strangers do not") {
    House house;
    house.ask(with_basic("nobody", "x"));
    CHECK(house.log.events.empty());
    house.ask(with_basic("basic", "canary"));
    REQUIRE(house.log.events.size() == 1);
    CHECK(house.log.last().kind == "client.denied");
    CHECK(house.log.last().actor == "basic");
    CHECK(house.log.text().find("canary") == std::string::npos);
    CHECK(house.counters.failed.at(Counters::index(identity::ClientAuth::client_secret_basic)) == 2);
}

TEST_CASE("who guesses is slowed down, and nobody else") {
    Settings settings = House::default_settings();
    settings.client_failures = 3;
    House house(settings);
    for (int i = 0; i < 3; ++i) CHECK(house.ask(with_basic("basic", "wrong")).status() == 401);
    const Reply limited = house.ask(with_basic("basic", kSecret + "basic"));
    CHECK(limited.status() == 429);
    CHECK(limited.error() == "temporarily_unavailable");
    CHECK_FALSE(limited.field("Retry-After").empty());
    CHECK(house.counters.limited == 1);
    // The same client from elsewhere, and another client from here.
    Ask elsewhere = with_basic("basic", kSecret + "basic");
    elsewhere.peer = "192.0.2.2:5000";
    CHECK(house.ask(elsewhere).status() == 200);
    CHECK(house.mint({}, "both").status() == 200);
    // Many names from one address are one guesser, whatever its port.
    for (int i = 0; i < 6; ++i) {
        Ask guess = with_basic("x" + std::to_string(i), "wrong");
        guess.peer = "192.0.2.1:" + std::to_string(6000 + i);
        CHECK(house.ask(guess).status() == 401);
    }
    CHECK(house.mint({}, "both").status() == 429);
}

TEST_CASE("addresses without their ports") {
    CHECK(address_of("127.0.0.1:80") == "127.0.0.1");
    CHECK(address_of("[::1]:80") == "[::1]");
    CHECK(address_of("[::1]") == "[::1]");
    CHECK(address_of("unknown") == "unknown");
}
