// oidc: this server's own requests to a provider: 5 s, 64 KiB, no redirect followed.
#pragma once

#include <cstdint>
#include <string>

#include "alphaswarm-cp/sdk/auth_flow.hpp"
#include "flow/token_endpoint.h"
#include "oidc/provider.h"

namespace acp::oidc {

/// Of the host, or of a test that moves it.
std::int64_t unix_now_s(const sdk::Host& host);

/// [any-thread] [may-block]. Throws sdk::Failure: ACP_E_UNAVAILABLE for a provider that does
/// not answer in time or not at all, ACP_E_PROVIDER for an answer that is none, and what
/// the host's client fails with. No message holds anything of an answer's body.
class BackChannel {
public:
    BackChannel(const sdk::Host& host, const sdk::HostIdentity& identity) : host_(host), identity_(identity) {}

    /// The object that a GET answers with 200.
    flow::Json get(const sdk::Call& call, const std::string& url, const std::string& ca_file) const;

    /// The answer to a form with the client's proof, as `by` says; any status but 3xx.
    sdk::HttpReply post(const sdk::Call& call, const Provider& provider, flow::Credentials::By by, const std::string& url,
                        flow::Pairs params) const;

private:
    const sdk::Host& host_;
    const sdk::HostIdentity& identity_;
};

/// Whether the answer says that it is JSON.
bool is_json(const sdk::HttpReply& reply);

/// The failure that an answer without success becomes: ACP_E_UNAVAILABLE for 5xx, 429 and 408,
/// ACP_E_DENIED with {"upstream_error":..} for an error of OAuth, ACP_E_PROVIDER for anything else.
[[noreturn]] void fail_for(const Provider& provider, const sdk::HttpReply& reply);

/// Whether it is the failure that a dead grant becomes.
bool is_invalid_grant(const sdk::Failure& failure);

}  // namespace acp::oidc
