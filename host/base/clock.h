// base: time. Deadlines use the monotonic clock, records use Unix time.
#pragma once

#include <cstdint>
#include <string>

namespace acp {

std::int64_t monotonic_ns() noexcept;
std::int64_t unix_ns() noexcept;
inline std::int64_t unix_ms() noexcept { return unix_ns() / 1'000'000; }

/// RFC 3339 in UTC with milliseconds, e.g. 2026-01-31T08:15:00.123Z.
std::string rfc3339_ms(std::int64_t unix_ms);
/// Inverse for what a client sends (offset or Z, optional fraction of any
/// length up to nine digits). Returns false when malformed.
bool parse_rfc3339(const std::string& text, std::int64_t& unix_ns_out);

}  // namespace acp
