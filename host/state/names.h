// state: host names to addresses within a deadline.
#pragma once

#include <netdb.h>

#include <cstdint>
#include <memory>
#include <string>

#include "base/free_with.h"
#include "base/result.h"

namespace acp::state {

using Addresses = std::unique_ptr<addrinfo, FreeWith<::freeaddrinfo>>;

/// The system's resolver blocks for as long as it likes; it does so on a thread of
/// its own, and a caller whose time is over goes on without it. The error's message
/// is for the log.
Result<Addresses> addresses_of(const std::string& host, std::uint16_t port, std::int64_t deadline_ns);

}  // namespace acp::state
