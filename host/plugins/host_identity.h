// plugins: what an auth flow reaches as acp.host.identity/1, as the house says it.
// The composition root supplies it; this room only carries calls to it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "plugins/call_scope.h"

namespace acp::plugins {

/// Of alphaswarm-cp/host/identity.h. Views are borrowed for the call.
struct TokenCheck {
    std::string_view token = {};
    std::string_view issuer = {};    ///< empty: this server's own tokens
    std::string_view audience = {};  ///< never empty
    std::string_view jwks_url = {};  ///< empty: by discovery
    std::string_view type = {};      ///< empty: JWT or none
    std::string_view nonce = {};     ///< empty: not checked
    std::string_view ca_file = {};   ///< PEM; empty: the system's store
};

struct AssertionWanted {
    std::string_view key;  ///< empty: the server's own
    std::string_view client_id, audience;
    std::uint32_t ttl_s = 60;  ///< 1 to 300
};

struct StateRead {
    std::string value;
    std::uint64_t version = 0;
};

/// Each member is [any-thread]; all but `audit` [may-block] and end by the call's
/// deadline. `flow` is the alias of the instance that asks: what one keeps another
/// cannot read.
class HostIdentity {
public:
    virtual ~HostIdentity() = default;

    /// The claims, an object. Code::unauthenticated with the reason, or
    /// Code::unavailable when no key can be had.
    virtual Result<std::string> verify(const CallContext& call, const TokenCheck& check) = 0;
    /// A compact JWS (RFC 7523). Code::not_found for a key nobody configured.
    virtual Result<std::string> assertion(const CallContext& call, const AssertionWanted& wanted) = 0;

    /// The cached token under `key` while it has `least_left_s` to live, else the one
    /// `fetch` gives (an object with "expires_in"): one flight on all replicas.
    using Fetch = std::function<Result<std::string>()>;
    virtual Result<std::string> token_once(const CallContext& call, std::string_view flow, std::string_view key,
                                           std::int64_t least_left_s, const Fetch& fetch) = 0;

    /// A fresh handle of 256 bits.
    virtual Result<std::string> state_put(const CallContext& call, std::string_view flow, std::string_view value_json,
                                          std::int64_t ttl_s) = 0;
    /// A fresh code that a person types, "XXXX-XXXX".
    virtual Result<std::string> state_put_code(const CallContext& call, std::string_view flow,
                                               std::string_view value_json, std::int64_t ttl_s) = 0;
    /// Handles and codes alike. Code::not_found when unknown, taken or expired.
    virtual Result<StateRead> state_read(const CallContext& call, std::string_view flow, std::string_view handle) = 0;
    /// Keeps the time to live. Code::conflict when it has another version.
    virtual Result<void> state_replace(const CallContext& call, std::string_view flow, std::string_view handle,
                                       std::uint64_t version, std::string_view value_json) = 0;
    virtual Result<std::string> state_take(const CallContext& call, std::string_view flow, std::string_view handle) = 0;

    /// [must-not-block]
    virtual void audit(const CallContext& call, std::string_view flow, std::string_view kind, std::string_view target,
                       std::string_view outcome, std::string_view details_json) noexcept = 0;
};

}  // namespace acp::plugins
