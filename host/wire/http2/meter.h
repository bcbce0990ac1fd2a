// wire/http2: counts what a peer sends beside requests, before the library sees
// it. Floods of small control frames cost the sender nothing, and what a
// library limits by itself changes from version to version.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace acp::wire::http2 {

/// Follows the frame boundaries (RFC 9113 section 4.1) of what arrives.
class FrameMeter {
public:
    enum class Flood : std::uint8_t { none, control, continuation };

    /// `allowance`: control frames that a peer may send in one go, and in each second.
    FrameMeter(std::int64_t allowance, std::int64_t now_ns) noexcept
        : allowance_(allowance), left_(allowance), counted_ns_(now_ns) {}

    /// `bytes` follow what was fed before, the client's preface left out.
    Flood feed(std::string_view bytes, std::int64_t now_ns) noexcept;
    /// Whether a frame's head, or a request's, has begun and not ended: what must
    /// not take longer than a head may.
    bool in_head() const noexcept;
    /// Takes `count` more off the allowance: for what only the session sees, like
    /// a stream that the peer makes us reset. False when nothing is left.
    bool spend(std::int64_t count, std::int64_t now_ns) noexcept;

private:
    Flood frame(std::int64_t now_ns) noexcept;
    const std::int64_t allowance_;
    std::int64_t left_;
    std::int64_t counted_ns_;
    std::array<unsigned char, 9> header_{};
    std::size_t header_size_ = 0;
    std::uint32_t payload_left_ = 0;
    std::uint32_t continuations_ = 0;
    bool in_block_ = false;       ///< CONTINUATION must follow
    bool block_payload_ = false;  ///< payload_left_ belongs to a header block
};

}  // namespace acp::wire::http2
