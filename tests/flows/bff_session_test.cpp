#include "flows/bff_fixture.h"

using namespace acp::test::flows;
using namespace acp;

TEST_CASE("a session's tokens are renewed, and a rotated one is kept") {
    Bff f;
    const auto session = f.logged_in();
    f.idp.answer["refresh_token"] = "HUSH-second";
    f.idp.claims["groups"] = {"other"};
    f.idp.claims["acr"] = "urn:weak";
    f.idp.claims.erase("auth_time");
    const Step step = f.flow.renew(session);
    REQUIRE(step.is(ACP_AUTH_SESSION));
    CHECK(step.decided.replaces_session == "s1");
    const auto& who = step.decided.identity;
    CHECK(who.subject == "eve");
    CHECK(Json::parse(who.upstream_tokens_json)["refresh_token"] == "HUSH-second");
    CHECK(Json::parse(who.claims_json)["groups"] == Json({"other"}));
    CHECK(who.acr == "high");  // how and when somebody logged in does not change by it
    CHECK(who.auth_time_unix_s == session.auth_time_unix_s);
    CHECK(who.upstream_session == "upstream-1");
    CHECK(f.http.sent().back().form("grant_type") == "refresh_token");
    CHECK(f.http.sent().back().form("refresh_token") == "HUSH-refresh");
    check_no_secret(step);

    f.idp.answer.erase("refresh_token");
    f.idp.answer["id_token"] = nullptr;
    const Step bare = f.flow.renew(session);
    REQUIRE(bare.is(ACP_AUTH_SESSION));
    CHECK(Json::parse(bare.decided.identity.upstream_tokens_json)["refresh_token"] == "HUSH-refresh");
    CHECK(Json::parse(bare.decided.identity.upstream_tokens_json)["id_token"] == Json::parse(session.upstream_tokens_json)["id_token"]);
    CHECK(bare.decided.identity.claims_json == session.claims_json);

    auto without = session;
    without.upstream_tokens_json = R"({"id_token":"a.b.c"})";
    CHECK(f.flow.renew(without).is(ACP_AUTH_PASS));
}

TEST_CASE("a renewal raises nothing") {
    Bff f;
    f.idp.claims["acr"] = "urn:weak";
    const auto session = f.logged_in();
    f.idp.claims["acr"] = "urn:strong";
    f.idp.claims["auth_time"] = f.identity.unix_s() + 30;
    CHECK(f.flow.renew(session).decided.identity.acr == "low");
    CHECK(f.flow.renew(session).decided.identity.auth_time_unix_s == session.auth_time_unix_s);
}

TEST_CASE("only invalid_grant ends a session") {
    const std::vector<std::pair<std::string, FakeReply>> table = {
        {"503", {503, ""}}, {"a page", {200, "<html>"}}, {"400 with a page", {400, "<html>invalid_grant", ACP_OK, "text/html"}}, {"400 that says it is a page", {400, R"({"error":"invalid_grant"})", ACP_OK, "text/html"}},
        {"invalid_client", {401, R"({"error":"invalid_client"})"}}, {"invalid_grant with 200", {200, R"({"error":"invalid_grant"})"}}, {"invalid_grant with 500", {500, R"({"error":"invalid_grant"})"}},
        {"redirect", {302, ""}}, {"cannot be reached", {200, "", ACP_E_UNAVAILABLE}}, {"never", {200, "", ACP_E_DEADLINE}}, {"invalid_scope", {400, R"({"error":"invalid_scope"})"}}};
    for (const auto& [name, reply] : table) {
        INFO(name);
        Bff f;
        const auto session = f.logged_in();
        f.idp.token_reply = reply;
        const Step step = f.flow.renew(session);
        CHECK_FALSE(step.ok());
        check_no_secret(step);
    }
    Bff f;
    const auto session = f.logged_in();
    f.idp.token_reply = FakeReply{400, R"({"error":"invalid_grant"})"};
    const Step step = f.flow.renew(session);
    REQUIRE(step.is(ACP_AUTH_REFUSE));
    CHECK(step.decided.error_code == "invalid_grant");
}

TEST_CASE("a renewed id_token that is somebody else's changes nothing") {
    const std::vector<std::pair<std::string, std::function<void(Idp&)>>> table = {
        {"another subject", [](Idp& i) { i.claims["sub"] = "mallory"; }},
        {"another issuer", [](Idp& i) { i.claims["iss"] = "https://other.example"; }},
        {"another key", [](Idp& i) { i.signs = false; }},
        {"another client", [](Idp& i) { i.claims["azp"] = "other"; }},
        {"another login", [](Idp& i) { i.claims["nonce"] = "other"; }},
    };
    for (const auto& [name, change] : table) {
        INFO(name);
        Bff f;
        const auto session = f.logged_in();
        change(f.idp);
        CHECK(f.flow.renew(session).code == ACP_E_PROVIDER);
    }
    Bff f;
    const auto session = f.logged_in();
    f.idp.claims["nonce"] = f.idp.nonce;
    CHECK(f.flow.renew(session).is(ACP_AUTH_SESSION));
    auto foreign = session;
    foreign.issuer = "https://gone.example";
    CHECK(f.flow.renew(foreign).code == ACP_E_UNAVAILABLE);
}

TEST_CASE("an ended session's refresh token is revoked where that is offered") {
    Bff f;
    const auto session = f.logged_in();
    CHECK(f.flow.ended(session).ok());
    CHECK(f.http.sent().back().url == "https://idp.example/revoke");
    CHECK(f.http.sent().back().form("token") == "HUSH-refresh");
    CHECK(f.http.sent().back().form("token_type_hint") == "refresh_token");
    f.idp.revocation_reply = FakeReply{503, ""};
    const Step failed = f.flow.ended(session);
    CHECK(failed.code == ACP_E_UNAVAILABLE);
    check_no_secret(failed);

}

TEST_CASE("a provider that revokes nothing is not asked to") {
    Bff f;
    f.idp.metadata.erase("revocation_endpoint");
    CHECK(f.flow.ended(f.logged_in()).ok());
    CHECK(f.idp.asked("/revoke") == 0);
}

TEST_CASE("a logout ends the session here and leads to where it ends at the provider") {
    Bff f;
    auto r = request("bff-logout");
    r.session = f.logged_in();
    const Step step = f.flow.handle(r);
    REQUIRE(step.is(ACP_AUTH_END));
    CHECK(step.decided.end_session == "s1");
    CHECK(step.decided.location.starts_with("https://idp.example/end?"));
    auto query = query_of(step.decided.location);
    CHECK(query["id_token_hint"] == Json::parse(r.session->upstream_tokens_json)["id_token"]);
    CHECK(query["client_id"] == "cp");
    CHECK(query["post_logout_redirect_uri"] == "https://cp.example/auth/logout/done");
    CHECK(query["state"].size() == 43);
    CHECK(f.flow.handle(request("bff-logout")).code == ACP_E_INVALID);
    const Step done = f.flow.handle(request("bff-logout-done"));
    REQUIRE(done.is(ACP_AUTH_PAGE));
    CHECK(done.decided.page == ACP_AUTH_PAGE_MESSAGE);

}

TEST_CASE("a logout does not wait for a provider that is away") {
    Bff f;
    auto r = request("bff-logout");
    r.session = f.logged_in();
    f.identity.advance(std::chrono::hours(25));
    f.idp.metadata_reply = FakeReply{503, ""};
    const Step step = f.flow.handle(r);
    REQUIRE(step.is(ACP_AUTH_END));
    CHECK(step.decided.location.empty());
}

TEST_CASE("Auth0 without an end_session_endpoint has a way of its own") {
    Bff auth0(with(R"(, "client_secret": "s", "kind": "auth0")", R"(, "post_logout_redirect_uri": "https://cp.example/bye")"));
    auth0.idp.metadata.erase("end_session_endpoint");
    auto other = request("bff-logout");
    other.session = auth0.logged_in();
    CHECK(auth0.flow.handle(other).decided.location == "https://idp.example/v2/logout?client_id=cp&returnTo=https%3A%2F%2Fcp.example%2Fbye");
}
