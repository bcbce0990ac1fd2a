// state: the backends, chosen by configuration.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "state/store.h"

namespace acp::state {

struct Options {
    std::string kind = "memory";      ///< memory, sqlite, postgresql or redis
    std::filesystem::path path;       ///< sqlite: its file, an absolute path
    std::string url;                  ///< postgresql://.. or redis[s]://..; a secret
    /// The keys that values are encrypted with, see key_file.h; made, mode 0600, when
    /// missing and the backend is this process's own. Replicas that share a backend
    /// share the file. Memory needs none.
    std::filesystem::path key_file;
};

/// Does not need the backend to be reachable. Errors say how to mend the options,
/// and quote no secret.
Result<std::unique_ptr<Store>> open(const Options& options);

/// Whether `url` can be used with `kind` (postgresql or redis); the error's
/// message goes on from "url ".
Result<void> check_url(const std::string& kind, const std::string& url);

}  // namespace acp::state
