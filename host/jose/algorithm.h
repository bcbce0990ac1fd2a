// jose: JSON Web Keys and signatures (RFC 7515, 7517, 7518, 8037), strictly: a
// key is good for one algorithm on one curve, a token has one spelling, and
// nothing that a token says about where keys are is ever followed.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace acp::jose {

/// What is signed with here. HS* and "none" have no value, so nothing can be
/// checked by them.
enum class Algorithm : std::uint8_t { RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA };

/// The registered name, exactly; anything else is nullopt.
std::optional<Algorithm> algorithm_of(std::string_view name) noexcept;
std::string_view name_of(Algorithm algorithm) noexcept;

}  // namespace acp::jose
