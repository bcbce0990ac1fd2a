// state: the backend in this process's memory. Lost at its end, and shared with
// nobody: for one replica that may forget.
#pragma once

#include <cstddef>
#include <memory>

#include "state/backend.h"

namespace acp::state {

struct MemoryLimits {
    std::size_t entries = 500'000;   ///< of all kinds
    std::size_t bytes = 128U << 20;  ///< names, values and what keeping them costs
};

/// Refuses with Code::exhausted at a limit: it does not throw out what others
/// rely on. Expired entries make room first.
std::unique_ptr<Backend> memory_backend(MemoryLimits limits = {}, Clock clock = system_clock());

}  // namespace acp::state
