// client: the client side of one HTTP/2 connection (RFC 9113) on nghttp2: many
// calls at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/call.h"
#include "client/stream.h"
#include "wire/connection.h"
#include "wire/http2/meter.h"
#include "wire/http2/session.h"

namespace acp::client {

class Pool;

class Http2 final : public wire::Protocol {
public:
    Http2(wire::Connection& connection, Pool& pool);
    ~Http2() override;

    /// Whether it takes one more call.
    bool has_room() const noexcept;
    /// Whether the server has not yet said how many calls it takes at a time.
    bool is_settling() const noexcept { return !settled_ && !going_; }
    void begin(Call& call);
    /// Whether it has answered a call before.
    bool was_used() const noexcept { return used_; }
    bool is_idle() const noexcept { return streams_.empty(); }
    std::int64_t idle_since_ns() const noexcept { return idle_since_ns_; }
    /// Closes.
    void end() noexcept { connection_.abort(); }

    // Protocol
    void on_readable() override { process(); }
    void on_flushed() override { process(); }
    void on_limit(wire::TimeoutList&) override {}  // calls have limits of their own
    void on_closing() override;
    void drain() override {}

    // --- for its streams
    nghttp2_session* session() noexcept { return session_.get(); }
    Pool& pool() noexcept { return pool_; }
    /// Has what was submitted sent, in the connection's next turn.
    void submitted() {
        if (!std::exchange(turn_wanted_, true)) connection_.yield_turn();
    }
    /// The stream's call is gone.
    void drop(Stream& stream, bool silent) noexcept;
    static nghttp2_data_provider body_of(Stream& stream) noexcept;

private:
    friend struct ClientCallbacks;
    Stream* find(std::int32_t id) noexcept;
    void note(Stream& stream);
    void stream_closed(Stream& stream, std::uint32_t error_code);
    void process();
    void begin_streams();
    bool receive();
    void tell();
    void send();
    void give_up(const std::string& why);
    Error broken() const;

    wire::Connection& connection_;
    Pool& pool_;
    wire::http2::FrameMeter meter_;
    wire::http2::SessionPtr session_;
    std::vector<std::shared_ptr<Stream>> streams_;
    std::vector<std::shared_ptr<Stream>> closed_;  ///< whose calls are to be told
    std::vector<std::int32_t> noted_;              ///< streams whose calls are to be told
    std::string failure_;
    std::string complaint_;      ///< of the library, about what the server sent
    std::int64_t answered_ns_ = 0;  ///< when the last frame of any answer came
    std::int64_t idle_since_ns_ = 0;
    bool used_ = false;
    bool turn_wanted_ = false;
    bool processing_ = false;
    bool settled_ = false;
    bool going_ = false;  ///< takes no more calls
};

}  // namespace acp::client
