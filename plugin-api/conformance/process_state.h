// conformance: what a plugin may have changed in the process around it.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <vector>

namespace acp::conformance {

/// A look at this process; Linux's /proc is its source.
struct ProcessState {
    std::set<std::string> descriptors;  ///< "7 -> /dev/null"
    std::size_t threads = 0;
    std::size_t heap_bytes = 0;  ///< in use by malloc; 0 where that is not told
    std::string folder, umask, environment;
    std::string signals;  ///< which are ignored, which are caught

    static ProcessState now();
    /// What differs in `after`, in words; empty: nothing. Memory does not count.
    std::string changes(const ProcessState& after) const;
};

/// What of `after` is not in `before`, in words.
std::string new_descriptors(const ProcessState& before, const ProcessState& after);

/// Threads end a moment after they are joined: looks again until there are no
/// more than `threads` of them, at most for a second.
ProcessState settled(std::size_t threads);
/// The same until two looks in a row have as many.
ProcessState quiet();

/// The dynamic section of a shared object, read from its file.
struct SharedObject {
    std::vector<std::string> exported;
    bool bound_now = false, never_unloaded = false;

    /// Throws std::runtime_error when the file is no 64-bit ELF shared object.
    static SharedObject read(const std::string& path);
};

}  // namespace acp::conformance
