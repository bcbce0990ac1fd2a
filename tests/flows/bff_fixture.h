// A bff at the provider in memory.
#pragma once

#include "flows/oidc_fixture.h"

namespace acp::test::flows {

inline constexpr const char* kBffConfig = R"({"redirect_uri": "https://cp.example/auth/callback", "post_logout_redirect_uri": "https://cp.example/auth/logout/done",
  "providers": [{"id": "main", "issuer": "https://idp.example", "client_id": "cp", "client_secret": "HUSH:secret",
                 "acr_values": {"high": "urn:strong", "low": "urn:weak"}}]})";

inline std::string with(const std::string& provider_members, const std::string& more = "") {
    return R"({"redirect_uri": "https://cp.example/auth/callback", "providers": [{"id": "main", "issuer": "https://idp.example", "client_id": "cp")" +
           provider_members + "}]" + more + "}";
}

struct Bff : LoginFixture {
    explicit Bff(const std::string& config = kBffConfig) : LoginFixture(config) {}
    Step log_in() {
        REQUIRE(go("bff-login").is(ACP_AUTH_REDIRECT));
        return back("bff-callback");
    }
    /// The session that the host would make of a login.
    sdk::AuthSession logged_in() {
        const Step step = log_in();
        REQUIRE(step.is(ACP_AUTH_SESSION));
        const auto& who = step.decided.identity;
        sdk::AuthSession out;
        out.id = "s1";
        out.subject = who.subject;
        out.issuer = who.issuer;
        out.upstream_session = who.upstream_session;
        out.acr = who.acr;
        out.auth_time_unix_s = who.auth_time_unix_s;
        out.claims_json = who.claims_json;
        out.upstream_tokens_json = who.upstream_tokens_json;
        return out;
    }
};

inline void check_no_secret(const Step& step) {
    CHECK(told(step).find("HUSH") == std::string::npos);
}

}  // namespace acp::test::flows
