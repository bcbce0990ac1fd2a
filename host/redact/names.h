// redact: what the name of a member, variable, flag or header says about its value.
#pragma once

#include <cstdint>
#include <string_view>

namespace acp::redact {

enum class NameKind : std::uint8_t {
    plain,       ///< says nothing, or describes a secret without being one (secret_name, token_type)
    reference,   ///< points at a secret (secret_key_ref): a member `key` inside is a key's name
    secret,      ///< text is secret; a number is a count (tokens: 512)
    secret_any,  ///< text and numbers are secret (password: 1234)
};

/// Splits `name` at `_ - .` and camelCase, and judges the words. At most the
/// first 256 bytes count.
NameKind classify(std::string_view name);

inline bool is_secret(NameKind kind) noexcept {
    return kind == NameKind::secret || kind == NameKind::secret_any;
}

/// Names whose value runs to the end of the line: Authorization, Cookie, Set-Cookie.
bool is_header_with_spaces(std::string_view name);

}  // namespace acp::redact
