// bundle: plugins.lock, which pins each plugin's version and content.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace acp::bundle {

struct Pin {
    std::string id;
    std::string version;  ///< semantic
    std::string sha256;   ///< of manifest.yaml, lower-case hex
    std::string key;      ///< id of the key that signed it
    bool operator==(const Pin&) const = default;
};

struct Lock {
    std::vector<Pin> plugins;  ///< sorted by id, each id once

    const Pin* find(std::string_view id) const noexcept;
    bool operator==(const Lock&) const = default;
};

/// Reads strictly; the error lists every mistake with its line and key.
Result<Lock> read_lock(std::string_view text, const std::string& source);
/// The same lock gives the same bytes, and read_lock reads them back.
std::string write_lock(const Lock& lock);

/// The file, which nobody but root and this process's user may write. Code
/// not_found when there is none. Blocking.
Result<Lock> load_lock(const std::filesystem::path& file);
/// Replaces the file as a whole, mode 0644: a reader sees the old one or the
/// new one, also after a power cut. Blocking.
Result<void> save_lock(const std::filesystem::path& file, const Lock& lock);

/// `fresh` in place of `old`. Refuses two pins of one id and, unless
/// `allow_downgrade`, a version lower than the pinned one. `changes` gets a line
/// for each difference.
Result<Lock> renewed(const Lock& old, std::vector<Pin> fresh, bool allow_downgrade, std::vector<std::string>& changes);

}  // namespace acp::bundle
