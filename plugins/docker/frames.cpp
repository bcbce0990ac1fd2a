#include "frames.h"

#include <stdexcept>

namespace acp::docker {

void FrameDecoder::open() {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(header_[i])); };
    // 0 is the echo of standard input, which goes with the output.
    if (byte(0) > 2 || byte(1) != 0 || byte(2) != 0 || byte(3) != 0)
        throw std::invalid_argument("the Docker Engine sent output that is not framed");
    channel_ = byte(0) == 2 ? Channel::err : Channel::out;
    left_ = byte(4) << 24 | byte(5) << 16 | byte(6) << 8 | byte(7);
    have_ = 0;
}

}  // namespace acp::docker
