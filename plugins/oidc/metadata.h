// oidc: what a provider publishes about itself (OpenID Connect Discovery 1.0, RFC 8414),
// kept for 600 s.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "oidc/back_channel.h"
#include "oidc/provider.h"

namespace acp::oidc {

/// Every endpoint is https, or http on loopback where the issuer is, at the issuer's origin
/// or one of the provider's other_origins. Empty: not offered.
struct Metadata {
    std::string authorization_endpoint, token_endpoint, jwks_uri;  ///< never empty
    std::string par_endpoint, revocation_endpoint, end_session_endpoint;
    flow::Credentials::By client_auth = flow::Credentials::By::secret_basic;
    bool names_issuer = false;  ///< answers carry `iss` (RFC 9207)
    bool needs_par = false;
};

using MetadataPtr = std::shared_ptr<const Metadata>;

/// Throws sdk::Failure, ACP_E_PROVIDER, for a document of another issuer, or with an endpoint
/// where none may be.
Metadata read_metadata(const Provider& provider, const flow::Json& document);

/// [any-thread]
class MetadataCache {
public:
    MetadataCache(const sdk::Host& host, const BackChannel& back_channel, const std::vector<Provider>& providers);

    /// One fetch for all who wait. After one that failed the next is tried in 2 s; meanwhile,
    /// and for 24 h, what was known before goes on. Throws sdk::Failure. [may-block]
    MetadataPtr of(const sdk::Call& call, const Provider& provider);

private:
    struct Entry {
        std::mutex mutex;
        std::condition_variable landed;
        bool fetching = false;
        MetadataPtr known;
        std::int64_t known_s = 0;          ///< when it was fetched, Unix time
        std::int64_t failed_s = 0;         ///< when that failed last
        acp_status failed_with = ACP_OK;
        std::string failure;
    };
    MetadataPtr fetched(const sdk::Call& call, const Provider& provider, Entry& entry);
    MetadataPtr known_or_fail(const Provider& provider, const Entry& entry, std::int64_t now_s) const;

    const sdk::Host& host_;
    const BackChannel& back_channel_;
    std::map<std::string, Entry> entries_;  ///< by provider id; fixed
};

}  // namespace acp::oidc
