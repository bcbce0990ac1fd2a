// app: whose tokens are accepted, from the configuration to the identity room.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "config/config.h"
#include "identity/clients.h"
#include "identity/dpop.h"
#include "identity/keyring.h"
#include "identity/revocations.h"
#include "identity/trusted_issuers.h"
#include "identity/verifier.h"
#include "jose/private_key.h"
#include "state/store.h"

namespace acp::app {

/// What the gate and the endpoints of /auth share; none is null.
struct IdentityParts {
    std::shared_ptr<identity::Keyring> keys;
    std::shared_ptr<identity::TrustedIssuers> trusted;
    std::shared_ptr<identity::Revocations> revocations;
    std::shared_ptr<identity::DpopProofs> proofs;
    std::shared_ptr<identity::Verifier> verifier;
    identity::Clients clients;
    std::map<std::string, jose::PrivateKey, std::less<>> assertion_keys;
};

/// Where the one-time token of the first administrator is, while it is open.
inline std::filesystem::path bootstrap_file(const config::Config& config) { return config.data_dir / "bootstrap-token"; }

/// Reads the clients' key files; the error's violations name file, line and key.
Result<identity::Clients> clients_of(const config::Config& config);

/// Follows revocations of other replicas from now on. `store` outlives the parts.
Result<IdentityParts> make_identity(const config::Config& config, std::shared_ptr<identity::Keyring> keys,
                                    state::Store& store);

}  // namespace acp::app
