// docker: the Engine's RFC 3339 times.
#pragma once

#include <cstdint>
#include <string_view>

namespace acp::docker {

/// Nanoseconds of Unix time of "2026-01-31T08:15:00.123456789Z" (any number of
/// digits up to nine), or -1 for what is none or lies before 1970: the Engine
/// writes "0001-01-01T00:00:00Z" for never.
std::int64_t parse_timestamp(std::string_view text) noexcept;

}  // namespace acp::docker
