// auth: what is counted, for /manage/metrics.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "identity/clients.h"

namespace acp::auth {

inline constexpr std::size_t kClientAuthMethods = 7;

/// The name of RFC 8414 or of draft-ietf-oauth-spiffe-client-auth; "kubernetes" is our own.
std::string_view name_of(identity::ClientAuth method) noexcept;

struct Counters {
    std::atomic<std::uint64_t> minted{0};     ///< tokens made here
    std::atomic<std::uint64_t> forwarded{0};  ///< tokens of upstreams handed on
    std::atomic<std::uint64_t> refused{0};    ///< token requests of proven clients that were not granted
    std::atomic<std::uint64_t> limited{0};    ///< requests refused for too many failures
    std::atomic<std::uint64_t> introspections{0};
    std::atomic<std::uint64_t> revocations{0};                            ///< tokens revoked
    std::array<std::atomic<std::uint64_t>, kClientAuthMethods> proven{};  ///< by ClientAuth
    std::array<std::atomic<std::uint64_t>, kClientAuthMethods> failed{};

    static std::size_t index(identity::ClientAuth method) noexcept { return static_cast<std::size_t>(method); }
};

}  // namespace acp::auth
