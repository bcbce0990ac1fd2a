// jose: JSON Web Keys and signatures (RFC 7515, 7517, 7518, 8037), strictly: a
// key is good for one algorithm on one curve, a token has one spelling, and
// nothing that a token says about where keys are is ever followed.
//
// Poco::JWT is not used. It knows neither PS* nor EdDSA, takes any key of a
// type for any algorithm of that type (a P-384 key for ES256), accepts HS* with
// whatever it was given, and reads tokens leniently: padding, repeated members,
// `crit` and further parts go through. What is left of it, RS* and ES* over
// Poco::Crypto, is a call or two of EVP here.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace acp::jose {

/// What is signed with here. HS* and "none" have no value, so nothing can be
/// checked by them.
/// EdDSA is Ed25519 alone.
enum class Algorithm : std::uint8_t { RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA };

inline constexpr std::array all_algorithms{Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::PS256,
                                           Algorithm::PS384, Algorithm::PS512, Algorithm::ES256, Algorithm::ES384,
                                           Algorithm::ES512, Algorithm::EdDSA};

/// The registered name, exactly; anything else is nullopt.
std::optional<Algorithm> algorithm_of(std::string_view name) noexcept;
std::string_view name_of(Algorithm algorithm) noexcept;

}  // namespace acp::jose
