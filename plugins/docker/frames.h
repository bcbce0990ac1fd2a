// docker: the Engine's framed output of attach, exec and logs without a
// terminal: one byte of stream, three of zero, four of length (big endian),
// then that many bytes.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace acp::docker {

enum class Channel : std::uint8_t { out = 1, err = 2 };

class FrameDecoder {
public:
    /// Calls `each(Channel, std::string_view)` for the pieces in `bytes`; stops
    /// when it returns false, and returns false then. Throws
    /// std::invalid_argument for what is no frame.
    template <typename Each>
    bool feed(std::string_view bytes, Each&& each) {
        while (!bytes.empty()) {
            if (left_ == 0) {
                header_[have_++] = bytes.front();
                bytes.remove_prefix(1);
                if (have_ == header_.size()) open();
                continue;
            }
            const std::string_view piece = bytes.substr(0, left_);
            left_ -= static_cast<std::uint32_t>(piece.size());
            bytes.remove_prefix(piece.size());
            if (!each(channel_, piece)) return false;
        }
        return true;
    }
    /// Between two frames: a stream that ends elsewhere is truncated.
    bool at_boundary() const noexcept { return left_ == 0 && have_ == 0; }

private:
    void open();
    std::array<char, 8> header_{};
    std::size_t have_ = 0;
    std::uint32_t left_ = 0;
    Channel channel_ = Channel::out;
};

}  // namespace acp::docker
