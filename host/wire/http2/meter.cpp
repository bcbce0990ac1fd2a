#include "wire/http2/meter.h"

#include <cstring>

namespace acp::wire::http2 {

namespace {

/// A header block within its limit of 16 KiB needs none when frames are filled.
constexpr std::uint32_t kContinuations = 8;

enum Type : unsigned char {
    data = 0,
    headers,
    priority,
    rst_stream,
    settings,
    push_promise,
    ping,
    goaway,
    window_update,
    continuation
};

}  // namespace

FrameMeter::Flood FrameMeter::feed(std::string_view bytes, std::int64_t now_ns) noexcept {
    while (!bytes.empty()) {
        if (payload_left_ > 0) {
            const std::size_t skipped = std::min<std::size_t>(payload_left_, bytes.size());
            payload_left_ -= static_cast<std::uint32_t>(skipped);
            bytes.remove_prefix(skipped);
            continue;
        }
        const std::size_t taken = std::min(header_.size() - header_size_, bytes.size());
        std::memcpy(header_.data() + header_size_, bytes.data(), taken);
        header_size_ += taken;
        bytes.remove_prefix(taken);
        if (header_size_ < header_.size()) break;
        header_size_ = 0;
        if (const Flood flood = frame(now_ns); flood != Flood::none) return flood;
    }
    return Flood::none;
}

FrameMeter::Flood FrameMeter::frame(std::int64_t now_ns) noexcept {
    constexpr unsigned char kEndStream = 1;
    constexpr unsigned char kEndHeaders = 4;
    const auto length = static_cast<std::uint32_t>(header_[0] << 16 | header_[1] << 8 | header_[2]);
    payload_left_ = length;
    const unsigned char type = header_[3];
    block_payload_ = type == headers || type == continuation;
    in_block_ = block_payload_ && (header_[4] & kEndHeaders) == 0;
    if (type == continuation) return ++continuations_ > kContinuations ? Flood::continuation : Flood::none;
    continuations_ = 0;
    switch (type) {
        case headers:
        case window_update:  // as many as there are frames of data sent
            return Flood::none;
        case data:
            if (length > 0 || (header_[4] & kEndStream) != 0) return Flood::none;
            break;
        default:
            break;
    }
    return spend(1, now_ns) ? Flood::none : Flood::control;
}

bool FrameMeter::in_head() const noexcept {
    return header_size_ > 0 || in_block_ || (block_payload_ && payload_left_ > 0);
}

bool FrameMeter::spend(std::int64_t count, std::int64_t now_ns) noexcept {
    const std::int64_t back = (now_ns - counted_ns_) / 1'000'000 * allowance_ / 1000;
    if (back > 0) {
        left_ = std::min(allowance_, left_ + back);
        counted_ns_ = now_ns;
    }
    left_ -= count;
    return left_ >= 0;
}

}  // namespace acp::wire::http2
