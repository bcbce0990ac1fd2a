// docker: a tar archive in memory, for the Engine's archive call.
#pragma once

#include <string>

#include "json.h"

namespace acp::docker {

/// POSIX.1-2001 pax archive of regular files, mode 0644, owner root. Paths are
/// absolute and checked before; in the archive they are relative to "/".
std::string make_tar(const json::Pairs& files);

}  // namespace acp::docker
