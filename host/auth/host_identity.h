// auth: acp.host.identity/1 for the auth flows: keys, verification, state, audit.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "auth/security_log.h"
#include "auth/settings.h"
#include "auth/token_flights.h"
#include "base/clock.h"
#include "identity/make_verifier.h"
#include "jose/private_key.h"
#include "plugins/host_identity.h"
#include "state/store.h"

namespace acp::auth {

/// What one instance keeps lies in the store under its alias, which no other has. [any-thread]
class FlowIdentity final : public plugins::HostIdentity {
public:
    /// `assertion_keys` by the names that flows know them by. Everything referred to outlives this.
    FlowIdentity(Settings settings, identity::VerifierParts parts, state::Store& store, SecurityLog& security,
                 std::map<std::string, jose::PrivateKey, std::less<>> assertion_keys = {},
                 std::function<std::int64_t()> now_unix_ms = [] { return unix_ms(); });

    Result<std::string> verify(const plugins::CallContext& call, const plugins::TokenCheck& check) override;
    Result<std::string> assertion(const plugins::CallContext& call, const plugins::AssertionWanted& wanted) override;
    Result<std::string> token_once(const plugins::CallContext& call, std::string_view flow, std::string_view key,
                                   std::int64_t least_left_s, const Fetch& fetch) override;
    Result<std::string> state_put(const plugins::CallContext& call, std::string_view flow, std::string_view value_json, std::int64_t ttl_s) override;
    Result<std::string> state_put_code(const plugins::CallContext& call, std::string_view flow, std::string_view value_json, std::int64_t ttl_s) override;
    Result<plugins::StateRead> state_read(const plugins::CallContext& call, std::string_view flow, std::string_view handle) override;
    Result<void> state_replace(const plugins::CallContext& call, std::string_view flow, std::string_view handle, std::uint64_t version,
                               std::string_view value_json) override;
    Result<std::string> state_take(const plugins::CallContext& call, std::string_view flow, std::string_view handle) override;
    void audit(const plugins::CallContext& call, std::string_view flow, std::string_view kind, std::string_view target, std::string_view outcome,
               std::string_view details_json) noexcept override;

private:
    Result<void> check_own(const jose::Compact& token, std::string_view audience, std::span<const std::string_view> types) const;

    const Settings settings_;
    const identity::VerifierParts parts_;
    state::Store& store_;
    SecurityLog& security_;
    const std::map<std::string, jose::PrivateKey, std::less<>> assertion_keys_;
    const std::function<std::int64_t()> now_ms_;
    TokenFlights tokens_;
};

}  // namespace acp::auth
