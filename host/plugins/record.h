// plugins: loads shared objects and turns their C tables into calls of the
// house. What could not be loaded stays on record with the reason.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/fault.h"
#include "base/result.h"

namespace acp::plugins {

struct Record {
    std::string path;
    std::string id;        ///< empty when it could not be learned
    std::string version;
    std::string vendor;
    std::string sha256;    ///< hex, of the file; of a bundle's manifest
    std::uint32_t abi_minor_built = 0;
    std::uint32_t abi_minor_required = 0;
    std::vector<std::string> interfaces;
    std::string form = "library";    ///< or bundle
    std::vector<std::string> keys;   ///< trusted keys that vouch for it
    std::uint32_t generation = 0;  ///< 1 for the first that was loaded, one more for each reload
    bool loaded = false;
    Fault fault;           ///< meaningful when not loaded, or when the last reload failed
};

}  // namespace acp::plugins
