// identity: the files of the keyring. Blocking.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "jose/private_key.h"

namespace acp::identity {

struct KeyFile {
    std::filesystem::path path;
    std::int64_t made_unix_ns = 0;  ///< time of modification
    jose::PrivateKey key;
};

/// Makes the folder if need be, with mode 0700.
Result<void> make_key_folder(const std::filesystem::path& folder);

/// Every `signing-*.pem`, the newest first. One that others may read, or that is
/// no private key, fails the whole. An RSA key signs by the algorithm that the
/// name of its file has after "signing-", else by RS256.
Result<std::vector<KeyFile>> read_key_files(const std::filesystem::path& folder);

/// Writes a key as `name`, with mode 0600, durably. A file of that name that is
/// there already stays as it is: another process was first, and its key counts.
Result<void> write_key_file(const std::filesystem::path& folder, const std::string& name, const jose::PrivateKey& key);

}  // namespace acp::identity
