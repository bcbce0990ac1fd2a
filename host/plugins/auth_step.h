// plugins: what goes into a step of an auth flow and what comes out of it, as
// owned values of alphaswarm-cp/ext/auth_flow.h. Members mean what they mean there.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "alphaswarm-cp/ext/auth_flow.h"

namespace acp::plugins {

/// A step without a deadline of its own is given this long.
inline constexpr std::chrono::seconds kAuthPatience{30};

struct AuthEndpoint {
    std::string operation_id;    ///< unique within the instance
    std::string method;          ///< GET or POST
    std::string path;            ///< below /auth: "/device/start"
    std::string grant_type;      ///< also served at /auth/token; empty: not
    std::int32_t input = ACP_AUTH_INPUT_NONE;
    std::uint32_t flags = 0;     ///< ACP_AUTH_NEEDS_SESSION and so on
    std::string summary;
    std::string operation_json;  ///< OpenAPI Operation Object to merge in, or empty

    bool has(std::uint32_t flag) const noexcept { return (flags & flag) != 0; }
    bool operator==(const AuthEndpoint&) const = default;
};

struct AuthSession {
    std::string id;                    ///< the host's handle, not the cookie
    std::string subject, issuer;
    std::string actor_kind = "user", organization_id;
    std::string upstream_session, acr;
    std::int64_t auth_time_unix_s = 0, created_unix_s = 0;
    std::string claims_json;           ///< what the flow gave with the session
    std::string upstream_tokens_json;  ///< a secret
};

/// `params` are decoded and without the client's own credentials (client_secret,
/// client_assertion); `fields` have lower-case names and neither Cookie nor
/// Authorization.
struct AuthRequest {
    std::string operation_id;       ///< empty in `authenticate`
    std::string method;
    std::string origin;             ///< scheme://host as the client sees it
    std::string path;               ///< normalised
    std::string peer;               ///< address
    std::vector<std::pair<std::string, std::string>> params, fields;
    std::string body_json;
    std::string client_id, client_auth_method, client_json;
    std::string confirmation_json;  ///< `cnf`
    std::string peer_certificate;   ///< DER
    std::string state_json;         ///< a secret
    std::optional<AuthSession> session;
    std::string next_state;         ///< `state` of a redirect that this step may end with; a secret of this browser
};

struct AuthIdentity {
    std::string subject, issuer;
    std::string actor_kind;                 ///< user, service or agent
    std::string organization_id;
    std::string claims_json = "{}";         ///< object
    std::string act_json;                   ///< object or empty
    std::string confirmation_json;          ///< object or empty
    std::string acr;
    std::vector<std::string> amr;
    std::int64_t auth_time_unix_s = 0;
    std::int64_t expires_unix_s = 0;        ///< 0: the host's lifetime
    std::vector<std::string> scopes, audiences;
    std::string upstream_session;
    std::string upstream_tokens_json;       ///< object or empty; a secret
};

/// Only the members that the kind names are filled. Checked: an identity has a
/// subject and a known actor_kind; a redirect's location is absolute, http(s)
/// and without a fragment; a session's is local ("/" and no authority);
/// body_json, token_json, state_json and audit_json are objects where they are
/// given, and a forwarded token has access_token and token_type; an error code is
/// as RFC 6749 section 5.2 has it; http_status is one of an error, and 0 when
/// the plugin gave none.
struct AuthDecision {
    enum class Kind : std::int32_t {
        pass = ACP_AUTH_PASS,
        grant = ACP_AUTH_GRANT,
        forward = ACP_AUTH_FORWARD,
        session = ACP_AUTH_SESSION,
        redirect = ACP_AUTH_REDIRECT,
        respond = ACP_AUTH_RESPOND,
        page = ACP_AUTH_PAGE,
        end = ACP_AUTH_END,
        refuse = ACP_AUTH_REFUSE,
    };
    Kind kind = Kind::refuse;
    AuthIdentity identity;          ///< grant, session
    std::string replaces_session;   ///< session
    std::string location;           ///< redirect, session, end; empty: none
    std::string state_json;         ///< redirect; a secret
    std::string page;               ///< page: a name of auth_flow.h
    std::string body_json;          ///< respond, page
    std::string token_json;         ///< forward; a secret
    std::string end_session, end_issuer, end_upstream_session, end_subject;  ///< end
    std::string error_code, error_description;                               ///< refuse
    std::int32_t http_status = 0;   ///< refuse, page, respond
    std::int32_t retry_after_s = 0; ///< refuse
    std::string audit_json;         ///< any
};

}  // namespace acp::plugins
