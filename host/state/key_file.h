// state: the keys that values are sealed with and keys are named by.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace acp::state {

/// Keys of 32 random bytes, overwritten when done.
struct KeySet {
    std::vector<std::string> sealing;  ///< at least one; the first seals, all open
    std::string naming;

    KeySet() = default;
    KeySet(KeySet&&) = default;
    KeySet& operator=(KeySet&&) = default;
    KeySet(const KeySet&) = delete;
    KeySet& operator=(const KeySet&) = delete;
    ~KeySet();
};

/// A key file has one key a line, 32 bytes in base64url; empty lines and those
/// that begin with # are skipped. The first key seals, all of them open. Entries
/// are found under digests made with the key of a line `names KEY`, or with the last
/// one when there is no such line: it stays the same when keys that seal change, so
/// replicas with different files find the same entries.
///
/// To go from OLD to NEW: `OLD, NEW, names OLD` for every replica, then `NEW, OLD,
/// names OLD`, and `NEW, names OLD` once all that was sealed with OLD has expired.
/// After a leak: one new key in the place of all; every session ends.
Result<KeySet> parse_keys(const std::string& text);

/// Code::not_found when there is no file.
Result<KeySet> read_keys(const std::filesystem::path& file);
/// Makes the file when there is none; processes that start at once end up with
/// the same key.
Result<KeySet> read_or_make_keys(const std::filesystem::path& file);
/// For values that do not outlive the process.
KeySet random_keys();

}  // namespace acp::state
