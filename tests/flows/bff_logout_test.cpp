#include "flows/oidc_fixture.h"

using namespace acp::test::flows;
using namespace acp;

namespace {

constexpr const char* kConfig = R"({"redirect_uri": "https://cp.example/auth/callback",
  "providers": [{"id": "main", "issuer": "https://idp.example", "client_id": "cp", "client_secret": "s"}]})";
constexpr const char* kEvent = "http://schemas.openid.net/event/backchannel-logout";

struct Logout : LoginFixture {
    Json claims, header = {{"alg", "RS256"}, {"typ", "logout+jwt"}};
    std::string accepted_type = "logout+jwt", audience = "cp";

    Logout() : LoginFixture(kConfig) {
        claims = {{"iss", kIssuer}, {"aud", "cp"}, {"iat", identity.unix_s()}, {"exp", identity.unix_s() + 120}, {"jti", "j1"},
                  {"sub", "eve"}, {"sid", "upstream-1"}, {"events", {{kEvent, Json::object()}}}};
    }
    Step present() {
        const std::string token = compact(header, claims);
        identity.accept(token, kIssuer, audience, claims.dump(), accepted_type);
        return flow.handle(request("bff-backchannel-logout", {{"logout_token", token}}));
    }
};

}  // namespace

TEST_CASE("a logout token ends the session that it names") {
    Logout f;
    const Step step = f.present();
    REQUIRE(step.is(ACP_AUTH_END));
    CHECK(step.decided.end_issuer == kIssuer);
    CHECK(step.decided.end_upstream_session == "upstream-1");
    CHECK(step.decided.end_subject.empty());
    CHECK(step.decided.end_session.empty());
    CHECK(step.decided.location.empty());

}

TEST_CASE("a logout token without a session ends all of its subject") {
    Logout f;
    f.claims.erase("sid");
    const Step step = f.present();
    REQUIRE(step.is(ACP_AUTH_END));
    CHECK(step.decided.end_upstream_session.empty());
    CHECK(step.decided.end_subject == "eve");
}

TEST_CASE("types of logout tokens, as providers write them") {
    const std::vector<std::tuple<Json, std::string, bool>> table = {{"logout+jwt", "logout+jwt", true}, {"application/logout+jwt", "logout+jwt", true}, {"Logout+JWT", "logout+jwt", true},
                                                                    {"JWT", "", true},                  {nullptr, "", true},                         {"at+jwt", "at+jwt", false}, {"dpop+jwt", "", false}};
    for (const auto& [typ, accepted, taken] : table) {
        INFO(typ);
        Logout f;
        f.header["typ"] = typ;
        f.accepted_type = accepted;
        CHECK(f.present().is(taken ? ACP_AUTH_END : ACP_AUTH_REFUSE));
    }
}

TEST_CASE("a logout token that is none ends nothing") {
    const std::vector<std::pair<std::string, std::function<void(Logout&)>>> table = {
        {"not verified by the host", [](Logout& f) { f.audience = "another-client"; }},
        {"another issuer", [](Logout& f) { f.claims["iss"] = "https://other.example"; }},
        {"no issuer", [](Logout& f) { f.claims.erase("iss"); }},
        {"with a nonce", [](Logout& f) { f.claims["nonce"] = "n"; }},
        {"with an empty nonce", [](Logout& f) { f.claims["nonce"] = nullptr; }},
        {"no events", [](Logout& f) { f.claims.erase("events"); }},
        {"events are a list", [](Logout& f) { f.claims["events"] = {kEvent}; }},
        {"another event", [](Logout& f) { f.claims["events"] = {{"http://schemas.openid.net/event/other", Json::object()}}; }},
        {"the event is no object", [](Logout& f) { f.claims["events"] = {{kEvent, true}}; }},
        {"no iat", [](Logout& f) { f.claims.erase("iat"); }},
        {"an hour old", [](Logout& f) { f.claims["iat"] = f.identity.unix_s() - 3600; }},
        {"of the future", [](Logout& f) { f.claims["iat"] = f.identity.unix_s() + 3600; }},
        {"no exp", [](Logout& f) { f.claims.erase("exp"); }},
        {"exp is text", [](Logout& f) { f.claims["exp"] = "9999999999"; }},
        {"expired", [](Logout& f) { f.claims["exp"] = f.identity.unix_s() - 120; }},
        {"no jti", [](Logout& f) { f.claims.erase("jti"); }},
        {"empty jti", [](Logout& f) { f.claims["jti"] = ""; }},
        {"names nobody", [](Logout& f) { f.claims.erase("sid"); f.claims.erase("sub"); }},
        {"names nobody in words", [](Logout& f) { f.claims["sid"] = 7; f.claims["sub"] = ""; }},
    };
    for (const auto& [name, change] : table) {
        INFO(name);
        Logout f;
        change(f);
        const Step step = f.present();
        REQUIRE(step.is(ACP_AUTH_REFUSE));
        CHECK(step.decided.error_code == "invalid_request");
        CHECK(step.decided.http_status == 400);
        // What was refused does not use its jti up.
        CHECK(f.identity.fetches() == 0);
    }
    for (const char* token : {"", "a", "a.b", "..", "e30.e30.e30", "!!.!!.!!"}) {
        INFO(token);
        Logout f;
        const Step step = f.flow.handle(request("bff-backchannel-logout", {{"logout_token", token}}));
        REQUIRE(step.is(ACP_AUTH_REFUSE));
        CHECK(step.decided.http_status == 400);
        CHECK(f.http.sent().empty());
    }
}

TEST_CASE("a logout token is good once, for as long as it could be taken") {
    Logout f;
    REQUIRE(f.present().is(ACP_AUTH_END));
    CHECK(f.present().is(ACP_AUTH_REFUSE));
    f.identity.advance(std::chrono::seconds(590));
    f.claims["exp"] = f.identity.unix_s() + 300;  // the same jti in another token
    CHECK(f.present().is(ACP_AUTH_REFUSE));
    f.claims["jti"] = "j2";
    CHECK(f.present().is(ACP_AUTH_END));
}

TEST_CASE("a logout that cannot be judged is an outage, which the provider tries again") {
    Logout f;
    f.identity.fail_with(ACP_E_UNAVAILABLE);
    CHECK(f.present().code == ACP_E_UNAVAILABLE);
    f.identity.fail_with(ACP_OK);
    CHECK(f.present().is(ACP_AUTH_END));
}

TEST_CASE("a logout whose provider cannot be asked is an outage") {
    Logout f;
    f.idp.metadata_reply = FakeReply{503, ""};
    CHECK(f.present().code == ACP_E_UNAVAILABLE);
}
