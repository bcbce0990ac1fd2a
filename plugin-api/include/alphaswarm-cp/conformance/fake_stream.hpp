// conformance: acp.host.stream/1 in memory, seen from the listener's side.
//
//   FakeStream stream;
//   table->open(self, call.raw(), id, &query, stream.lend(), &error);   // on failure: stream.take_back()
//   REQUIRE(stream.read_until([](const FakeStream::Output& o) { return o.out.find("ready") != npos; }));
//   stream.send(ACP_CHANNEL_STDIN, "hello\n");
//   stream.close(ACP_CLOSE_LISTENER);
//   REQUIRE(stream.wait_released());                // the plugin gave its reference back
//
// Callbacks to the plugin come from a thread of the stream's own, one at a
// time, so they never run inside a call of the plugin.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alphaswarm-cp/stream.h"

namespace acp::conformance {

const acp_host_stream* fake_stream_table() noexcept;

/// How the plugin used its stream. An orderly one finishes once, or sees the
/// end, releases once, and touches nothing afterwards.
struct StreamConduct {
    int finishes = 0;            ///< calls of finish
    int event_tables = 0;        ///< calls of set_events
    int heads = 0;               ///< calls of headers
    int late_heads = 0;          ///< calls of headers after the first write
    int writes = 0;              ///< writes that were taken
    int writes_refused = 0;      ///< writes answered by ACP_E_WOULD_BLOCK
    int refused_in_a_row = 0;    ///< most of them without a wait for credit in between
    int writes_too_large = 0;    ///< writes of more than the window
    int writes_after_finish = 0; ///< writes behind the plugin's own finish
    int writes_after_end = 0;    ///< writes behind on_close or an ACP_E_CLOSED
    int uses_after_release = 0;  ///< calls without a reference
    int releases_too_many = 0;   ///< releases without a reference
};

class FakeStream {
public:
    using Clock = std::chrono::milliseconds;
    static constexpr Clock kPatience = std::chrono::seconds(20);

    /// `window`: bytes that the plugin may have outstanding before it must
    /// wait for a read; the same bound holds for bytes sent to it.
    explicit FakeStream(uint64_t window = 256 * 1024);
    /// Closes (ACP_CLOSE_SHUTDOWN) a stream that still runs.
    ~FakeStream();
    FakeStream(const FakeStream&) = delete;
    FakeStream& operator=(const FakeStream&) = delete;

    /// The stream with one more reference, to pass to the plugin.
    acp_stream* lend();
    /// Drops the reference of `lend` after a call that failed.
    void take_back();

    struct Output {
        std::string out, err, status;     // STDOUT, STDERR, STATUS
        std::vector<std::string> writes;  // one element per write of the plugin on STDOUT or STDERR
    };
    /// Reads, which returns credit, until `enough(output)` is true. False when
    /// the stream ended or `limit` passed before.
    template <typename Enough>
    bool read_until(Enough enough, Clock limit = kPatience) {
        while (!enough(static_cast<const Output&>(output_)))
            if (!read_one(limit)) return enough(static_cast<const Output&>(output_));
        return true;
    }
    /// Reads to the end; false when it did not come in time.
    bool read_to_end(Clock limit = kPatience);
    /// Everything read so far.
    const Output& output() const noexcept { return output_; }

    /// Sends bytes on STDIN or RESIZE, waiting for window. False when closed or late.
    bool send(uint8_t channel, std::string_view bytes, Clock limit = kPatience);
    /// Tells the plugin that no more comes on `channel`.
    bool half_close(uint8_t channel);
    /// The listener leaves, or the host cuts the stream. First call counts.
    void close(int32_t reason = ACP_CLOSE_LISTENER);

    bool finished() const;
    /// The error given to `finish`, ACP_OK for a clean end.
    acp_status finish_status() const;
    std::string finish_message() const;
    /// Reason given to on_close, once it has run.
    std::optional<int32_t> close_reason() const;
    /// What `headers` set, 0 before.
    int32_t http_status() const;

    StreamConduct conduct() const;
    /// Every write is answered by `status` from now on; ACP_OK: no more.
    void fail_writes(acp_status status);
    /// The listener leaves within the plugin's `calls`th use of the stream's
    /// functions, counted from 0 and from now.
    void close_at_call(int calls);
    /// Runs inside write, on the plugin's thread; may throw. Empty: none.
    void on_write(std::function<void()> hook);

    /// References of the plugin.
    int references() const;
    bool wait_released(Clock limit = kPatience) const;
    bool wait_finished(Clock limit = kPatience) const;

private:
    bool read_one(Clock limit);
    acp_stream* raw_;
    Output output_;
};

}  // namespace acp::conformance
