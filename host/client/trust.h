// client: TLS contexts by the files they are made of.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "tls/client_context.h"

namespace acp::client {

struct TrustFiles {
    std::string ca, certificate, key;  ///< paths; empty: the system's store, no certificate
    auto operator<=>(const TrustFiles&) const = default;
};

/// The context for these files, loaded once for as long as they do not change.
/// Errors name the file. [any-thread] [may-block]
Result<std::shared_ptr<const tls::ClientContext>> trust_of(const TrustFiles& files);

}  // namespace acp::client
