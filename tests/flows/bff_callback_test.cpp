#include "flows/bff_fixture.h"

using namespace acp::test::flows;
using namespace acp;

TEST_CASE("a login becomes a session with what the provider said") {
    Bff f;
    f.go("bff-login", {{"return_to", "/apps"}});
    const Step step = f.back("bff-callback");
    REQUIRE(step.is(ACP_AUTH_SESSION));
    const auto& who = step.decided.identity;
    CHECK(step.decided.location == "/apps");
    CHECK(step.decided.replaces_session.empty());
    CHECK(who.subject == "eve");
    CHECK(who.issuer == kIssuer);
    CHECK(who.actor_kind == "user");
    CHECK(who.acr == "high");
    CHECK(Json::parse(who.amr_json) == Json({"pwd", "otp"}));
    CHECK(who.auth_time_unix_s == f.idp.claims["auth_time"]);
    CHECK(who.upstream_session == "upstream-1");
    const Json claims = Json::parse(who.claims_json);
    CHECK(claims["email"] == "eve@example.org");
    CHECK(claims["groups"] == Json({"platform"}));
    for (const char* name : {"nonce", "acr", "exp"}) CHECK_FALSE(claims.contains(name));
    const Json kept = Json::parse(who.upstream_tokens_json);
    CHECK(kept["refresh_token"] == "HUSH-refresh");
    CHECK(kept["id_token"].is_string());
    CHECK(kept["expires_at"].get<std::int64_t>() >= f.identity.unix_s() + 290);
    CHECK_FALSE(kept.contains("access_token"));
    check_no_secret(step);

    const SentRequest sent = f.http.sent().back();
    CHECK(sent.method == "POST");
    CHECK(sent.form("grant_type") == "authorization_code");
    CHECK(sent.form("code") == "HUSH-code");
    CHECK(sent.form("redirect_uri") == "https://cp.example/auth/callback");
    CHECK(sent.form("code_verifier").size() == 43);
    CHECK(f.identity.checks().back() == "https://idp.example cp https://idp.example/jwks");
}

TEST_CASE("classes of authentication are taken by this house's words") {
    const std::vector<std::pair<Json, std::string>> table = {
        {"urn:strong", "high"}, {"urn:weak", "low"}, {"high", ""}, {"urn:other", ""}, {nullptr, ""}, {Json({"urn:strong"}), ""}, {7, ""}};
    for (const auto& [acr, word] : table) {
        INFO(acr);
        Bff f;
        f.idp.claims["acr"] = acr;
        const Step step = f.log_in();
        REQUIRE(step.is(ACP_AUTH_SESSION));
        CHECK(step.decided.identity.acr == word);
    }
}

TEST_CASE("at_hash binds the access token") {
    // By openssl: the left half of the digest of "HUSH-access".
    const std::string sha256 = "ACwA8960Qhv1hpvyvy7duQ", sha384 = "7Q72OpJrdTjxqdVkzVzv6_Fl9yeyLBXz",
                      sha512 = "FVm7aWy52DH9o-1qF-powJxSip0PvyNbgFIaeiOJ21E";
    const std::vector<std::pair<std::string, std::string>> table = {{"RS256", sha256}, {"ES384", sha384}, {"PS512", sha512}, {"EdDSA", sha512}};
    for (const auto& [alg, hash] : table) {
        INFO(alg);
        Bff f;
        f.idp.header["alg"] = alg;
        f.idp.claims["at_hash"] = hash;
        CHECK(f.log_in().is(ACP_AUTH_SESSION));
        f.idp.answer["access_token"] = "another";
        CHECK(f.log_in().is(ACP_AUTH_REFUSE));
    }
}

TEST_CASE("an id_token that breaks a rule lets nobody in") {
    const std::vector<std::pair<std::string, std::function<void(Idp&)>>> table = {
        {"the host does not verify it", [](Idp& i) { i.signs = false; }},
        {"another issuer", [](Idp& i) { i.claims["iss"] = "https://other.example"; }},
        {"no issuer", [](Idp& i) { i.claims.erase("iss"); }},
        {"another nonce", [](Idp& i) { i.claims["nonce"] = "of-another-login"; }},
        {"no nonce", [](Idp& i) { i.claims["nonce"] = nullptr; }},
        {"no sub", [](Idp& i) { i.claims.erase("sub"); }},
        {"empty sub", [](Idp& i) { i.claims["sub"] = ""; }},
        {"sub is a number", [](Idp& i) { i.claims["sub"] = 7; }},
        {"sub too long", [](Idp& i) { i.claims["sub"] = std::string(256, 'a'); }},
        {"several audiences without azp", [](Idp& i) { i.claims["aud"] = {"cp", "other"}; }},
        {"several audiences, azp is another", [](Idp& i) { i.claims["aud"] = {"cp", "other"}; i.claims["azp"] = "other"; }},
        {"azp is another", [](Idp& i) { i.claims["azp"] = "other"; }},
        {"azp is no text", [](Idp& i) { i.claims["azp"] = {"cp"}; }},
        {"no iat", [](Idp& i) { i.claims.erase("iat"); }},
        {"iat in an hour", [](Idp& i) { i.claims["iat"] = i.identity.unix_s() + 3600; }},
        {"iat is text", [](Idp& i) { i.claims["iat"] = "1"; }},
        {"no exp", [](Idp& i) { i.claims.erase("exp"); }},
        {"auth_time tomorrow", [](Idp& i) { i.claims["auth_time"] = i.identity.unix_s() + 86400; }},
        {"auth_time is text", [](Idp& i) { i.claims["auth_time"] = "now"; }},
        {"auth_time is out of all range", [](Idp& i) { i.claims["auth_time"] = 1e300; }},
        {"another access token", [](Idp& i) { i.claims["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA"; }},
        {"at_hash is no text", [](Idp& i) { i.claims["at_hash"] = 7; }},
        {"at_hash by an unknown algorithm", [](Idp& i) { i.claims["at_hash"] = ""; i.header["alg"] = "none"; }},
        {"there is none", [](Idp& i) { i.answer["id_token"] = nullptr; }},
        {"one of an earlier login", [](Idp& i) {
             Json old = i.claims;
             old["nonce"] = "earlier";
             i.answer["id_token"] = compact(i.header, old);
             i.identity.accept(i.answer["id_token"], kIssuer, "cp", old.dump());
         }},
    };
    for (const auto& [name, change] : table) {
        INFO(name);
        Bff f;
        change(f.idp);
        const Step step = f.log_in();
        REQUIRE(step.is(ACP_AUTH_REFUSE));
        CHECK(step.decided.http_status == 403);
        CHECK(Json::parse(step.decided.audit_json)["provider"] == "main");
        CHECK_FALSE(Json::parse(step.decided.audit_json)["reason"].get<std::string>().empty());
        check_no_secret(step);
    }
}

TEST_CASE("an azp and audiences that name us are fine") {
    Bff f;
    f.idp.claims["aud"] = {"cp", "other"};
    f.idp.claims["azp"] = "cp";
    CHECK(f.log_in().is(ACP_AUTH_SESSION));
}

TEST_CASE("a token endpoint that answers otherwise lets nobody in") {
    struct Row {
        std::string name;
        FakeReply reply;
        int kind;  ///< -1: the call fails
    };
    const std::string good = R"("access_token":"a","token_type":"Bearer","id_token":"a.b.c")";
    const std::vector<Row> table = {
        {"a page", {200, "<html>"}, -1},
        {"a page that says it is one", {200, "{" + good + "}", ACP_OK, "text/html"}, -1},
        {"truncated", {200, R"({"access_token":"HUSH)"}, -1},
        {"truncated by its own length", {200, "", ACP_E_PROVIDER}, -1},
        {"huge", {200, "{" + good + R"(,"x":")" + std::string(70'000, 'x') + "\"}"}, -1},
        {"endless", {200, "", ACP_E_EXHAUSTED}, -1},
        {"never", {200, "", ACP_E_DEADLINE}, -1},
        {"redirect 307", {307, ""}, -1},
        {"redirect 302", {302, ""}, -1},
        {"an error with 200", {200, R"({"error":"invalid_grant","error_description":"<script>alert(1)</script>"})"}, -1},
        {"id_token twice", {200, "{" + good + R"(,"id_token":"d.e.f"})"}, -1},
        {"no access_token", {200, R"({"token_type":"Bearer","id_token":"a.b.c"})"}, -1},
        {"another token_type", {200, R"({"access_token":"a","token_type":"DPoP","id_token":"a.b.c"})"}, -1},
        {"no token_type", {200, R"({"access_token":"a","id_token":"a.b.c"})"}, -1},
        {"id_token is no text", {200, R"({"access_token":"a","token_type":"Bearer","id_token":{}})"}, -1},
        {"an array", {200, "[]"}, -1},
        {"the code was used", {400, R"({"error":"invalid_grant"})"}, ACP_AUTH_REFUSE},
        {"our proof is wrong", {401, R"({"error":"invalid_client"})"}, -1},
        {"an error of script", {400, R"({"error":"<script>alert(1)</script>","error_description":"<img src=x>"})"}, -1},
        {"400 with a page", {400, "<script>", ACP_OK, "text/html"}, -1},
        {"503", {503, "<html>"}, -1},
        {"429", {429, ""}, -1},
        {"cannot be reached", {200, "", ACP_E_UNAVAILABLE}, -1},
    };
    for (const auto& row : table) {
        INFO(row.name);
        Bff f;
        REQUIRE(f.go("bff-login").is(ACP_AUTH_REDIRECT));
        f.idp.token_reply = row.reply;
        const Step step = f.back("bff-callback");
        CHECK_FALSE(step.lets_in());
        CHECK(step.ok() == (row.kind != -1));
        if (row.kind != -1) CHECK(step.is(row.kind));
        CHECK(f.idp.asked("/token") == 1);
        const std::string all = told(step);
        CHECK(all.find('<') == std::string::npos);
        check_no_secret(step);
    }
}

TEST_CASE("an answer that is not the one that was asked for is refused") {
    struct Row {
        std::string name;
        Params params;
        int status;
        bool asks;
    };
    const std::vector<Row> table = {
        {"mix-up", {{"code", "c"}, {"iss", "https://other.example"}}, 403, false},
        {"a slash more", {{"code", "c"}, {"iss", "https://idp.example/"}}, 403, false},
        {"no iss where one is announced", {{"code", "c"}}, 403, false},
        {"empty iss", {{"code", "c"}, {"iss", ""}}, 403, false},
        {"no code", {{"iss", kIssuer}}, 400, false},
        {"empty code", {{"code", ""}, {"iss", kIssuer}}, 400, false},
        {"a code without an end", {{"code", std::string(8193, 'c')}, {"iss", kIssuer}}, 400, false},
        {"cancelled", {{"error", "access_denied"}, {"iss", kIssuer}}, 403, false},
        {"an error beside a code", {{"error", "login_required"}, {"code", "c"}, {"iss", kIssuer}}, 403, false},
        {"an error of another issuer's", {{"error", "access_denied"}, {"iss", "https://other.example"}}, 403, false},
        {"not now", {{"error", "temporarily_unavailable"}, {"iss", kIssuer}}, 503, false},
        {"an empty error", {{"error", ""}, {"code", "c"}, {"iss", kIssuer}}, 403, false},
        {"an error of script", {{"error", "\"><script>alert(1)</script>"}, {"error_description", "<img src=x onerror=alert(2)>"}, {"error_uri", "javascript:alert(3)"}, {"iss", kIssuer}}, 403, false},
    };
    for (const auto& row : table) {
        INFO(row.name);
        Bff f;
        REQUIRE(f.go("bff-login").is(ACP_AUTH_REDIRECT));
        const Step step = f.back("bff-callback", row.params);
        REQUIRE(step.is(ACP_AUTH_REFUSE));
        CHECK(step.decided.http_status == row.status);
        CHECK(f.idp.asked("/token") == 0);
        CHECK(told(step).find_first_of("<>") == std::string::npos);
        CHECK(step.decided.error_code.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos);
    }
    // Older providers announce no iss and send none.
    Bff f;
    f.idp.metadata.erase("authorization_response_iss_parameter_supported");
    REQUIRE(f.go("bff-login").is(ACP_AUTH_REDIRECT));
    CHECK(f.back("bff-callback", {{"code", "c"}}).is(ACP_AUTH_SESSION));
    REQUIRE(f.go("bff-login").is(ACP_AUTH_REDIRECT));
    CHECK(f.back("bff-callback", {{"code", "c"}, {"iss", "https://other.example"}}).is(ACP_AUTH_REFUSE));
}

TEST_CASE("an answer without a login under way is refused before anybody is asked") {
    for (const char* state : {"", "{}", R"({"provider":"other","verifier":"v","nonce":"n","return_to":"/"})", R"({"provider":"main","nonce":"n","return_to":"/"})",
                              R"({"provider":"main","verifier":"v","return_to":"/"})", R"({"provider":"main","verifier":"v","nonce":"n","return_to":"//evil.example"})"}) {
        INFO(state);
        Bff f;
        f.state_json = state;
        const Step step = f.back("bff-callback");
        REQUIRE(step.is(ACP_AUTH_REFUSE));
        CHECK(step.decided.http_status == 400);
        CHECK(f.http.sent().empty());
    }
    Bff f;
    REQUIRE(f.log_in().is(ACP_AUTH_SESSION));
    // The host gives a state once: the replay comes without one.
    CHECK(f.back("bff-callback").decided.http_status == 400);
    CHECK(f.idp.asked("/token") == 1);
}
