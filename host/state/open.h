// state: the backends, chosen by configuration.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "state/store.h"

namespace acp::state {

struct Options {
    std::string kind = "memory";  ///< memory, sqlite, postgresql or redis
    std::filesystem::path path;   ///< sqlite: its file, an absolute path
    std::string url;              ///< postgresql://.. or redis[s]://..; a secret
    /// The keys that values are encrypted with, see key_file.h; made, mode 0600, when
    /// missing and the backend is this process's own. Replicas that share a backend
    /// share the file. Memory needs none.
    std::filesystem::path key_file;
};

/// Does not need the backend to be reachable. The error has a Violation with the
/// pointer of the option that is wrong ("/url", "/key_file", ..) and a detail that
/// says how to mend it; it quotes no secret.
Result<std::unique_ptr<Store>> open(const Options& options);

/// Whether open() would succeed, as far as that can be told without making a file.
Result<void> check(const Options& options);

}  // namespace acp::state
