// stream: the host's side of acp_stream, a bounded queue of channel-tagged
// bytes between a plugin (any thread) and one listener (an event loop).
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "alphaswarm-cp/stream.h"
#include "base/result.h"

namespace acp::stream {

struct Chunk {
    std::uint8_t channel = ACP_CHANNEL_STDOUT;
    std::string bytes;
};

/// Status and fields that a plugin set for a stream that answers a request.
struct Headers {
    int status = 200;
    std::vector<std::pair<std::string, std::string>> fields;
};

/// Counted by hand because the count crosses the C boundary; use Ref inside
/// the host. All members are [any-thread].
class Stream {
public:
    struct Options {
        std::uint64_t window = 256 * 1024;  ///< most bytes queued towards the listener
        bool answers_request = false;       ///< whether `headers` is allowed
    };
    explicit Stream(Options options) : options_(options) {}
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept;

    /// Keeps `owner` for as long as either side holds the stream: the instance that
    /// writes to it must not go before. Once, before the plugin has it.
    void keep(std::shared_ptr<const void> owner) { owner_ = std::move(owner); }

    // --- the plugin's side; contracts in alphaswarm-cp/stream.h
    acp_status set_events(const acp_stream_events& events);
    acp_status headers(Headers headers);
    acp_status write(std::uint8_t channel, std::string_view bytes);
    std::uint64_t credit() const;
    std::uint64_t window() const noexcept { return options_.window; }
    acp_status wait_credit(std::uint64_t bytes, std::int64_t timeout_ms);
    void consumed(std::uint64_t bytes);
    void finish(std::optional<Error> error);
    bool closed() const;

    // --- the listener's side
    /// `wake` runs on any thread when pull may have something new; it must not
    /// block. Called at once when there already is something.
    void attach(std::function<void()> wake);
    enum class Pulled { chunk, empty, ended };
    /// Takes the next chunk; `ended` once finished and drained, or closed.
    Pulled pull(Chunk& out);
    /// How a finished stream ended; nothing after a clean finish.
    std::optional<Error> failure() const;
    /// What the plugin said by `headers`, once it has written or finished.
    std::optional<Headers> response_headers() const;
    /// Whether the plugin has written bytes; headers alone can still be taken back.
    bool started() const;
    /// Bytes from the listener to on_data; false once closed. The listener keeps
    /// to `input_credit`; the wake function runs when there is more of it.
    bool push(std::uint8_t channel, std::string_view bytes);
    std::uint64_t input_credit() const;
    /// The listener goes; `reason` is ACP_CLOSE_*. Idempotent.
    void close(std::int32_t reason);

private:
    ~Stream() = default;
    /// A callback may give back the last reference but this one. Made before
    /// the lock is taken, so that the mutex outlives it.
    class Keep;
    struct Event {
        enum class Kind { data, credit, close } kind;
        std::uint8_t channel = 0;
        std::string bytes;
        std::uint64_t credit = 0;
        std::int32_t reason = 0;
    };
    void raise(std::unique_lock<std::mutex>& lock, Event event);
    void drain_events(std::unique_lock<std::mutex>& lock);
    static void tell(const acp_stream_events& events, const Event& event) noexcept;
    bool settle(std::unique_lock<std::mutex>& lock);

    const Options options_;
    std::atomic<std::int32_t> references_{1};
    std::shared_ptr<const void> owner_;

    mutable std::mutex mutex_;
    std::condition_variable credit_back_;
    std::deque<Chunk> queue_;
    std::uint64_t queued_ = 0;
    std::function<void()> wake_;
    std::optional<Headers> headers_;
    std::optional<Error> failure_;
    std::optional<acp_stream_events> events_;
    std::deque<Event> pending_;        // raised before set_events, or while one runs
    std::uint64_t input_unconsumed_ = 0;
    bool running_event_ = false;       // [stream-serial]: one callback at a time
    bool starved_ = false;             // a write was refused for want of credit
    bool wrote_ = false;
    bool finished_ = false;            // by the plugin
    bool closed_ = false;              // by the listener, or delivered to the end
};

/// Shared ownership of a Stream within the host.
class Ref {
public:
    Ref() noexcept = default;
    static Ref make(Stream::Options options) { return adopt(new Stream(options)); }
    static Ref adopt(Stream* stream) noexcept {
        Ref r;
        r.stream_ = stream;
        return r;
    }
    Ref(const Ref& other) noexcept : stream_(other.stream_) {
        if (stream_) stream_->retain();
    }
    Ref(Ref&& other) noexcept : stream_(std::exchange(other.stream_, nullptr)) {}
    Ref& operator=(Ref other) noexcept {
        std::swap(stream_, other.stream_);
        return *this;
    }
    ~Ref() {
        if (stream_) stream_->release();
    }
    Stream* operator->() const noexcept { return stream_; }
    Stream& operator*() const noexcept { return *stream_; }
    explicit operator bool() const noexcept { return stream_ != nullptr; }
    /// The C handle, without a reference of its own.
    acp_stream* handle() const noexcept { return reinterpret_cast<acp_stream*>(stream_); }

private:
    Stream* stream_ = nullptr;
};

/// acp.host.stream/1 over Stream.
const acp_host_stream* stream_table() noexcept;

}  // namespace acp::stream
