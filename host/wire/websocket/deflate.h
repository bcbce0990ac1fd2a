// wire/websocket: the two directions of permessage-deflate (RFC 7692 section
// 7.2) on zlib. Internal to message.h.
//
// Memory of one connection, once a direction was used: inflating takes 7 KiB and
// the peer's window, so 39 KiB for the usual 32 KiB; deflating takes 6 KiB,
// 4 * 2^window_bits and 512 * 2^memory_level, so 38 KiB with Compression's
// defaults (zlib's own would be 262 KiB).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "wire/websocket/frame.h"

struct z_stream_s;

namespace acp::wire::websocket {

/// How this end compresses; the agreed window bounds window_bits from above.
struct Compression {
    int level = 3;                  ///< zlib's 1 to 9
    std::uint8_t window_bits = 12;  ///< 9 to 15
    std::uint8_t memory_level = 5;  ///< zlib's 1 to 9
    std::size_t min_size = 128;     ///< shorter messages are sent as they are
};

/// DEFLATE blocks with BFINAL that one message may hold. One is what flushing
/// without an empty block looks like (RFC 7692 section 7.2.3.4); each costs us
/// two copies of the window for as little as two bytes.
inline constexpr int kMaxFinalBlocks = 8;

class Inflater {
public:
    /// `forgets`: no context takeover by the peer.
    Inflater(std::uint8_t window_bits, bool forgets) noexcept : window_bits_(window_bits), forgets_(forgets) {}

    /// Appends to `out` what the next piece of a message's payload unfolds to.
    /// Stops at `limit` bytes in all with message_too_large, however much more
    /// the piece would have made.
    Refusal take(std::string_view piece, std::string& out, std::uint64_t limit);
    /// The message ends: appends what is left, and checks that it was whole.
    Refusal finish(std::string& out, std::uint64_t limit);
    /// Between messages: gives memory back when nothing has to be remembered.
    void trim() noexcept;

private:
    struct End {
        void operator()(z_stream_s* stream) const noexcept;
    };
    Refusal run(std::string_view input, int flush, std::string& out, std::uint64_t limit);
    [[gnu::noinline]] Refusal start_over();  // its stack is large, its use rare

    std::unique_ptr<z_stream_s, End> stream_;  ///< from the first compressed message on
    int final_blocks_ = 0;
    std::uint8_t window_bits_;
    bool forgets_;
    bool begun_ = false;  ///< the message has had bytes
};

class Deflater {
public:
    /// `window_bits`: agreed for this end; with less than zlib's least, 9, no
    /// message is compressed, which is always permitted.
    Deflater(std::uint8_t window_bits, bool forgets, const Compression& how) noexcept;

    /// Compresses a message into `out` (replaced). False when it does not pay:
    /// then the message is to be sent as it is. After a miss, more and more
    /// messages are not tried, up to 64, so that data which are compressed
    /// already do not cost time for nothing.
    bool compress(std::string_view message, std::string& out);
    void trim() noexcept;

private:
    struct End {
        void operator()(z_stream_s* stream) const noexcept;
    };
    bool run(std::string_view message, std::string& out);

    std::unique_ptr<z_stream_s, End> stream_;
    Compression how_;
    bool possible_;
    bool forgets_;
    std::uint8_t misses_ = 0;  ///< in a row
    std::uint8_t skip_ = 0;    ///< messages that are not tried
};

}  // namespace acp::wire::websocket
