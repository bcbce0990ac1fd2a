// local: the threads behind open streams (logs, exec), owned by the instance.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

#include "alphaswarm-cp/sdk/host.hpp"
#include "inbox.h"

namespace acp::local {

/// One open stream, as its thread sees it.
class Session {
public:
    /// False when nobody listens any more. [may-block]
    bool write(std::uint8_t channel, std::string_view bytes) { return stream_.write(channel, bytes); }
    /// Ends the stream; only the first end counts.
    void finish() noexcept { stream_.finish(); }
    void fail(acp_status status, std::string_view message) noexcept { stream_.fail(status, message); }
    /// Returns window for bytes taken from the inbox.
    void consumed(std::size_t bytes) { stream_.consumed(bytes); }

    Inbox& inbox() noexcept { return *inbox_; }
    /// The listener has gone or the instance ends: stop.
    bool over() const { return cut_ || stream_.closed() || inbox_->closed(); }

private:
    friend class Sessions;
    sdk::Stream stream_;
    std::shared_ptr<Inbox> inbox_;
    std::atomic<bool> cut_{false};
};

class Sessions {
public:
    using Body = std::function<void(Session&)>;

    Sessions();
    /// Cuts every session and waits for its thread.
    ~Sessions();

    /// Runs `prepare` on a new thread and waits for it; what it throws is
    /// thrown here and leaves `stream` alone. Then moves `stream` into a session
    /// and lets the body that `prepare` returned run with it, on that thread.
    void open(sdk::Stream& stream, const std::function<Body()>& prepare);

private:
    struct Entry;
    static void run(void* entry);
    void forget_ended();

    std::mutex mutex_;
    std::list<std::unique_ptr<Entry>> entries_;
};

}  // namespace acp::local
