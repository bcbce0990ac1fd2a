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
/// are found under digests made with the last one, so a key that is put before
/// the others changes nothing for those who only know the others. A line
/// `names KEY` is for those digests alone: what the key sealed no longer opens.
///
/// To rotate: put a new key on the first line; when everything sealed with the
/// old one has expired, write `names ` before the old one. After a leak: put one
/// new key in the place of all; every session ends.
Result<KeySet> parse_keys(const std::string& text);

/// Code::not_found when there is no file.
Result<KeySet> read_keys(const std::filesystem::path& file);
/// Makes the file when there is none; processes that start at once end up with
/// the same key.
Result<KeySet> read_or_make_keys(const std::filesystem::path& file);
/// For values that do not outlive the process.
KeySet random_keys();

}  // namespace acp::state
