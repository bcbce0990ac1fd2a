// auth: what the endpoints below /auth are told by the configuration.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

namespace acp::auth {

struct Settings {
    std::string issuer;    ///< `iss` of every token that is made here
    std::string base;      ///< URL that the endpoints hang below: "https://cp.example/auth"
    std::string origin;    ///< scheme and authority of `base`
    std::string audience;  ///< of the REST interface; what a token is for when nothing else is asked
    std::int64_t token_ttl_s = 3600;
    std::int64_t leeway_s = 30;
    /// Failed proofs of a client from one address in a minute; three times as many from
    /// one address with any client.
    std::int64_t client_failures = 20;

    /// Clients find the endpoints by the issuer (RFC 8414 section 3).
    bool discoverable() const noexcept { return issuer == base; }
    std::string url(const std::string& path) const { return base + path; }
    /// The URL of a path below /auth, as clients know it: what is in front may take off a prefix.
    std::string url_of(const std::string& request_path) const { return base + request_path.substr(std::min(request_path.size(), sizeof "/auth" - 1)); }
};

/// Where the endpoints are: below the issuer when that is an http(s) URL that ends in
/// "/auth", else below `origin` (scheme and authority).
Settings make_settings(std::string issuer, const std::string& origin);

}  // namespace acp::auth
