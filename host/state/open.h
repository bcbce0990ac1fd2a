// state: the backends, chosen by configuration.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "state/store.h"

namespace acp::state {

struct Options {
    std::string kind = "memory";      ///< memory, sqlite, postgresql or redis
    std::filesystem::path path;       ///< sqlite: its file
    std::string url;                  ///< postgresql://.. or redis[s]://..; a secret
    /// Holds the 32-byte key that values are encrypted with (base64url); made,
    /// mode 0600, when missing and the backend is this process's own. Replicas
    /// that share a backend share the key.
    std::filesystem::path key_file;
};

/// Does not need the backend to be reachable.
Result<std::unique_ptr<Store>> open(const Options& options);

}  // namespace acp::state
