// bundle: whose files these are. Whoever can write a plugin, a trusted key or
// the lock can run code in this process.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace acp::bundle {

/// The fields of a Fault without its message.
struct Exposure {
    std::string what;  ///< "belongs to somebody else", "may be written by others"
    std::string expected;
    std::string found;
    std::string remedy;  ///< the command, without the file
};

/// Empty `what` when root or this process's user owns it and nobody else may write.
Exposure exposure(const struct stat& status);

/// The text of a file that passes exposure(), is regular, no symbolic link and
/// has at most `most_bytes`. `what` begins the message: "trusted key", "lock file".
/// Code not_found when there is no such file. Blocking.
Result<std::string> read_owned_file(const std::filesystem::path& file, std::string_view what, std::size_t most_bytes);

/// "Permission denied", ...: what the system says about errno.
std::string system_reason();

}  // namespace acp::bundle
