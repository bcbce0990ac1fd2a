// docker: from the Engine's log bytes to lines as acp.logs/1 has them.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "frames.h"

namespace acp::docker {

class LogLines {
public:
    /// `write` gets a channel (ACP_CHANNEL_*) and "<time> <replica> <text>\n";
    /// it returns false when nobody listens any more.
    using Write = std::function<bool(std::uint8_t channel, std::string_view line)>;
    LogLines(std::string replica, Write write) : replica_(std::move(replica)), write_(std::move(write)) {}

    /// Log bytes with timestamps, framed. False once `write` was.
    bool take(std::string_view bytes);
    /// Writes what has no line end yet.
    void flush();
    /// Unix time of the newest line written, 0: none.
    std::int64_t last_ns() const noexcept { return last_ns_; }

private:
    struct Pending {
        std::uint8_t channel;
        std::string line;
    };
    bool add(Pending& pending, std::string_view piece);
    bool emit(Pending& pending);

    std::string replica_;
    Write write_;
    FrameDecoder frames_;
    std::array<Pending, 2> pending_;
    std::int64_t last_ns_ = 0;

public:
    static constexpr std::size_t kLineMax = 64 * 1024;  ///< longer ones are cut into several
};

}  // namespace acp::docker
