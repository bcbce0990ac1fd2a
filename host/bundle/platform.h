// bundle: what this process can run.
#pragma once

#include "bundle/manifest.h"

namespace acp::bundle {

/// A host's side of the manifest's platform and abi.
struct Host {
    Platform platform;  ///< libc_min is the version of the C library in use
    std::int64_t abi_major = 0;
    std::int64_t abi_minor = 0;
};

/// The process this runs in. [any-thread]
Host this_host();

/// "2.36" <=> "2.4": below, equal or above zero. Both are MAJOR.MINOR.
int compare_libc(const std::string& a, const std::string& b);

}  // namespace acp::bundle
