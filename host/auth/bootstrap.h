// auth: the first administrator. A new data directory gets a token in a file that only
// the server's user can read; whoever brings it gets an access token for everything,
// once. Nobody becomes an administrator by coming first.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "auth/endpoints.h"
#include "auth/security_log.h"
#include "auth/settings.h"
#include "base/result.h"
#include "identity/keyring.h"
#include "state/store.h"

namespace acp::auth {

struct BootstrapParts {
    std::filesystem::path file;
    const Settings& settings;
    const identity::Keyring& keyring;
    state::Store& store;
    SecurityLog& security;
};

/// Puts a fresh token in the file unless one is there; the token that counts. wipe() it.
Result<std::string> offer_bootstrap(const std::filesystem::path& file);

/// POST /auth/bootstrap. What it refers to outlives the route. [any-thread]
class Bootstrap {
public:
    explicit Bootstrap(BootstrapParts parts) : parts_(std::move(parts)) {}
    std::vector<Mounted> routes();

private:
    http::Response answer(const dispatch::Context& context);
    Result<std::string> redeem(const dispatch::Context& context, const std::string& token);
    Result<void> limit(const dispatch::Context& context);

    const BootstrapParts parts_;
};

}  // namespace acp::auth
