// bundle: what of a plugin folder is a plugin.
#pragma once

#include <filesystem>
#include <vector>

#include "base/result.h"

namespace acp::bundle {

/// The paths in `directory` that look like plugins, sorted: *.so, *.acpb, and
/// folders with a manifest.yaml, a manifest.sig or a plugin.so. Folders below
/// are not searched. Blocking.
Result<std::vector<std::filesystem::path>> found_in(const std::filesystem::path& directory);

}  // namespace acp::bundle
