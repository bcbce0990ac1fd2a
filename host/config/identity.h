// config: the section `identity`: whose tokens are accepted, and who may do what.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace acp::config {

// The meaning, unit and range of each key stand in schema.json; the values here
// are the defaults, and a test holds both together. _s is seconds.

/// An auth flow: one way to prove who somebody is.
struct Flow {
    std::string alias;
    std::string plugin;
    std::string config_json = "{}";  ///< may hold secrets
    std::string pointer;             ///< of this entry, for Config::origins
    bool operator==(const Flow&) const = default;
};

/// Each a claim's name, or a JSON pointer.
struct ClaimNames {
    std::string subject = "sub";
    std::string client = "client_id";
    std::string organization = "organization_id";
    std::string scopes = "scope";
    std::string resources = "resources";
    bool operator==(const ClaimNames&) const = default;
};

struct Issuer {
    std::string issuer;
    std::string jwks_url;  ///< empty: by discovery
    std::filesystem::path ca_file;
    std::vector<std::string> audiences;
    std::vector<std::string> algorithms{"RS256", "PS256", "ES256", "EdDSA"};
    std::vector<std::string> types{"at+jwt"};
    std::string kind = "user";
    std::string subject_prefix;
    bool trust_scopes = false;
    ClaimNames claims;
    bool operator==(const Issuer&) const = default;
};

struct RoleRule {
    std::string issuer;
    std::string claim;
    std::string equals;  ///< exactly one of equals and contains is not empty
    std::string contains;
    std::string role;  ///< exactly one of role and scopes is not empty
    std::vector<std::string> scopes;
    bool operator==(const RoleRule&) const = default;
};

struct OauthClient {
    std::string id;
    std::string name;
    std::vector<std::string> methods;
    std::vector<std::string> grants;
    std::vector<std::string> scopes;
    std::vector<std::string> audiences;
    std::vector<std::string> secret_sha256;  ///< lower case; of `secret` too, which is not kept
    std::string jwks_json;                   ///< of the key jwks; empty: none
    std::filesystem::path jwks_file;
    std::string spiffe_id;
    std::string certificate_subject;
    std::string service_account;
    std::string kind = "service";
    std::string organization_id;
    bool dpop_required = false;
    std::int64_t token_ttl_s = 0;  ///< 0: identity.token_ttl_s
    std::string pointer;           ///< of this entry, for Config::origins
    bool operator==(const OauthClient&) const = default;
};

struct Verification {
    std::int64_t cached_tokens = 16384;
    std::int64_t keys_keep_s = 600;
    std::int64_t keys_stale_s = 86400;
    std::int64_t unknown_kid_s = 30;
    std::int64_t revocation_poll_s = 2;
    std::int64_t dpop_window_s = 60;
    bool dpop_nonce = false;
    bool operator==(const Verification&) const = default;
};

struct Sessions {
    std::int64_t idle_s = 1800;
    std::int64_t absolute_s = 43200;
    std::int64_t grace_s = 30;
    bool operator==(const Sessions&) const = default;
};

struct Identity {
    std::string issuer = "urn:alphaswarm:cp";
    std::string audience = "alphaswarm-cp";
    std::int64_t token_ttl_s = 3600;
    std::int64_t leeway_s = 30;
    std::int64_t client_failures = 20;  ///< 0: no bound
    bool insecure_dev = false;
    std::vector<Flow> flows;
    std::vector<Issuer> issuers;
    std::map<std::string, std::vector<std::string>> roles;  ///< beside and in place of the built-in ones
    std::vector<RoleRule> role_mapping;
    std::vector<OauthClient> clients;
    std::map<std::string, std::filesystem::path> assertion_keys;  ///< by name
    Verification verification;
    Sessions sessions;
    bool operator==(const Identity&) const = default;
};

/// The roles that are there without configuration.
inline constexpr const char* built_in_roles[] = {"viewer", "operator", "editor", "admin", "superadmin"};

}  // namespace acp::config
