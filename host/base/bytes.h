// base: digests, encodings, random bytes and identifiers, on OpenSSL.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace acp {

using Sha256 = std::array<std::uint8_t, 32>;

Sha256 sha256(std::string_view data);
std::string hex(std::string_view bytes);
std::string sha256_hex(std::string_view data);
/// Decodes lower- or upper-case hex of even length.
std::optional<std::string> unhex(std::string_view text);

/// RFC 4648 section 5 without padding; decoding refuses padding, foreign
/// characters and non-zero trailing bits, so one value has one spelling.
std::string base64url(std::string_view bytes);
std::optional<std::string> unbase64url(std::string_view text);

/// Cryptographically strong; aborts the process when the system has none.
void random_bytes(void* out, std::size_t count);
std::string random_token(std::size_t bytes);  ///< base64url of `bytes` random bytes

/// UUID version 7 (RFC 9562 section 5.7): ordered by time of creation.
std::string uuid7();

/// Equal length and content, in time that depends on the lengths only.
bool equal_constant_time(std::string_view a, std::string_view b) noexcept;

/// Overwrites `s` before it is freed; the compiler cannot leave it out.
void wipe(std::string& s) noexcept;

/// `s` with the letters A to Z in lower case, whatever the locale.
std::string ascii_lower(std::string_view s);

/// Whether `s` is well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates).
bool is_utf8(std::string_view s) noexcept;
/// `s` with every byte that is not part of well-formed UTF-8 replaced by U+FFFD.
std::string repair_utf8(std::string_view s);

}  // namespace acp
