// local: what the listener of a stream sends, kept for the session's thread.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "alphaswarm-cp/sdk/host.hpp"
#include "files.h"

namespace acp::local {

/// Filled by the host's callbacks, emptied by one session. It lives until both
/// the session and the stream are done with it.
class Inbox {
public:
    using Frame = std::pair<std::uint8_t, std::string>;  // channel, bytes

    Inbox();
    /// Registers for the events of `stream`.
    static void attach(const std::shared_ptr<Inbox>& inbox, sdk::Stream& stream);

    /// Readable after something came, `wake` was called or the stream closed.
    int event() const noexcept { return event_.get(); }
    void wake() noexcept;
    std::deque<Frame> take();
    bool closed() const;
    /// More was sent than the stream's window allows, and not taken.
    bool overflowed() const;

private:
    static constexpr std::size_t kQueuedMax = 4 * 1024 * 1024;
    void add(std::uint8_t channel, acp_bytes bytes);

    Fd event_;
    mutable std::mutex mutex_;
    std::deque<Frame> frames_;
    std::size_t queued_ = 0;
    bool closed_ = false, overflowed_ = false;
};

}  // namespace acp::local
