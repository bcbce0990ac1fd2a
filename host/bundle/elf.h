// bundle: what a shared object says in its tables, without running it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace acp::bundle {

struct ElfFacts {
    std::string arch;                  ///< x86_64, aarch64, or "ELF machine N"
    std::vector<std::string> exports;  ///< defined symbols that others may bind to, sorted
    std::vector<std::string> needed;   ///< libraries it asks for, in their order
    std::string libc_min;              ///< newest GLIBC_x.y it needs as "x.y"; empty: none
    std::string sha256;                ///< of the file, lower-case hex
    std::int64_t size = 0;             ///< bytes
};

/// The facts of a 64-bit little-endian ELF shared object. Any bytes may come:
/// nothing in them is believed without a check.
Result<ElfFacts> read_elf(std::string_view bytes);

/// The same of a file of at most most_bundle_bytes. Blocking.
Result<ElfFacts> read_elf_file(const std::filesystem::path& file);

}  // namespace acp::bundle
