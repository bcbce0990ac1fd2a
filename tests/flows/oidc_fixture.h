// An OpenID Provider in memory, for the flows that log browsers in. What a test changes of
// it is what is wrong with it.
#pragma once

#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "flow/form.h"
#include "flows/fixture.h"

namespace acp::test::flows {

inline constexpr const char* kIssuer = "https://idp.example";

inline std::string base64url(const std::string& bytes) {
    std::string out = flow::base64(bytes);
    for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
    while (out.ends_with('=')) out.pop_back();
    return out;
}

/// A token in three parts; the fake host believes those that `accept` was told of.
inline std::string compact(const Json& header, const Json& claims) {
    return base64url(header.dump()) + "." + base64url(claims.dump()) + ".c2ln";
}

/// The parameters of a URL's query, decoded.
inline std::map<std::string, std::string> query_of(const std::string& url) {
    const SentRequest form{"", "", url.substr(std::min(url.find('?') + 1, url.size())), "", {}};
    std::map<std::string, std::string> out;
    for (std::size_t at = 0; at < form.body.size();) {
        const auto end = std::min(form.body.find('&', at), form.body.size());
        const std::string name = form.body.substr(at, form.body.find('=', at) - at);
        REQUIRE(out.emplace(name, form.form(name)).second);
        at = end + 1;
    }
    return out;
}

struct Idp {
    std::string issuer = kIssuer, client_id = "cp";
    Json metadata, claims, answer, header = {{"alg", "RS256"}};
    std::string nonce;                    ///< of the login under way
    bool signs = true;                    ///< false: the host's verify refuses the id_token
    std::optional<FakeReply> metadata_reply, token_reply, par_reply, revocation_reply;
    FakeIdentity& identity;
    FakeHttp& http;

    Idp(FakeIdentity& i, FakeHttp& h) : identity(i), http(h) {
        metadata = {{"issuer", issuer},
                    {"authorization_endpoint", issuer + "/authorize"},
                    {"token_endpoint", issuer + "/token"},
                    {"jwks_uri", issuer + "/jwks"},
                    {"end_session_endpoint", issuer + "/end"},
                    {"revocation_endpoint", issuer + "/revoke"},
                    {"authorization_response_iss_parameter_supported", true}};
        claims = {{"iss", issuer}, {"sub", "eve"}, {"aud", client_id}, {"iat", identity.unix_s()}, {"exp", identity.unix_s() + 300},
                  {"auth_time", identity.unix_s()}, {"sid", "upstream-1"}, {"acr", "urn:strong"}, {"amr", {"pwd", "otp"}},
                  {"email", "eve@example.org"}, {"groups", {"platform"}}};
        answer = {{"access_token", "HUSH-access"}, {"token_type", "Bearer"}, {"expires_in", 300}, {"refresh_token", "HUSH-refresh"}};
        http.answer([this](const SentRequest& r) { return reply(r); });
    }

    FakeReply reply(const SentRequest& r) {
        if (r.url.ends_with("/.well-known/openid-configuration")) return metadata_reply.value_or(FakeReply{200, metadata.dump()});
        if (r.url == issuer + "/par") return par_reply.value_or(FakeReply{201, R"({"request_uri":"urn:ietf:params:oauth:request_uri:1","expires_in":60})"});
        if (r.url == issuer + "/revoke") return revocation_reply.value_or(FakeReply{200, ""});
        if (r.url != issuer + "/token") return FakeReply{404, ""};
        if (token_reply) return *token_reply;
        Json out = answer;
        if (!out.contains("id_token")) out["id_token"] = id_token(r.form("grant_type") == "refresh_token");
        if (out["id_token"].is_null()) out.erase("id_token");
        return FakeReply{200, out.dump()};
    }

    std::string id_token(bool refreshed) {
        Json said = claims;
        if (!refreshed && !said.contains("nonce")) said["nonce"] = nonce;
        const std::string token = compact(header, said);
        if (signs) identity.accept(token, issuer, client_id, said.dump());
        return token;
    }

    int asked(const std::string& path) const {
        int count = 0;
        for (const auto& sent : http.sent()) count += sent.url == issuer + path ? 1 : 0;
        return count;
    }
};

/// A flow at one provider, and what a browser does with it.
struct LoginFixture {
    FakeIdentity identity{host()};
    FakeHttp http{host()};
    Idp idp{identity, http};
    AuthFlowClient flow;
    std::string state_json;
    std::optional<sdk::AuthSession> session;

    explicit LoginFixture(const std::string& config) : flow(host(), plugin(), config) {}

    /// The way there; keeps what the host would keep.
    Step go(const std::string& operation, Params params = {}) {
        auto r = request(operation, std::move(params));
        r.method = "GET";
        r.next_state = "next-state";
        r.session = session;
        Step step = flow.handle(r);
        state_json = step.decided.state_json;
        if (step.is(ACP_AUTH_REDIRECT)) idp.nonce = Json::parse(state_json)["nonce"];
        return step;
    }
    /// The way back with these parameters besides the state.
    Step back(const std::string& operation, Params params = {{"code", "HUSH-code"}, {"iss", kIssuer}}) {
        params.emplace_back("state", "next-state");
        auto r = request(operation, std::move(params));
        r.method = "GET";
        r.next_state = "another-state";
        r.session = session;
        r.state_json = std::exchange(state_json, {});
        return flow.handle(r);
    }
};

}  // namespace acp::test::flows
