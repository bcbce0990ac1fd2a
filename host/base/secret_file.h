// base: files that hold a secret: made once, kept from others.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace acp {

/// "" when a file with this owner and mode is well kept; else what is wrong with it and how to
/// mend it. Who may keep it: see read_secret_file.
std::string exposure_of_secret(const struct stat& status, const std::filesystem::path& file);

/// The text of a regular file of at most 64 KiB that only this process's user
/// can read (or another's, for root), or that root keeps for one group (how packages and mounted secrets
/// give a key to an unprivileged server). Code::not_found when there is none,
/// Code::invalid with a remedy when it is not kept well. wipe() it after use.
Result<std::string> read_secret_file(const std::filesystem::path& file);

/// Makes the file with mode 0600, and its folder, if missing, with 0700. When
/// there is one already, or another process is first, that one stays and this
/// succeeds: read it again to know what counts.
Result<void> make_secret_file(const std::filesystem::path& file, std::string_view text);

/// The same, but what is there already goes: whoever reads sees the old text or the new.
Result<void> replace_secret_file(const std::filesystem::path& file, std::string_view text);

}  // namespace acp
