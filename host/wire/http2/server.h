// wire/http2: the server side of one HTTP/2 connection (RFC 9113) on nghttp2,
// which does the framing, HPACK and flow control.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "wire/connection.h"
#include "wire/exchange.h"
#include "wire/http2/memory.h"
#include "wire/http2/meter.h"
#include "wire/http2/session.h"
#include "wire/http2/stream.h"

namespace acp::wire::http2 {

/// RFC 9113 section 3.4.
inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

class Server final : public Protocol {
public:
    Server(Connection& connection, Application& application, const Limits& limits);
    ~Server() override;

    // Protocol
    void on_readable() override { process(); }
    void on_flushed() override { process(); }
    void on_limit(TimeoutList& list) override;
    void on_closing() override;
    void drain() override;

    // --- for its streams
    Connection& connection() noexcept { return connection_; }
    Application& application() noexcept { return application_; }
    const Limits& limits() const noexcept { return limits_; }
    nghttp2_session* session() noexcept { return session_.get(); }
    bool draining() const noexcept { return draining_; }
    /// Something was submitted outside of `process`; sends it.
    void submitted();
    /// A stream wants its body outside of `process`: some or all of it may be here.
    void reads_on(std::int32_t id);
    /// As `submitted` for a caller that must outlive this turn: sending may end its stream.
    void submitted_later();
    /// What sends the stream's body.
    static nghttp2_data_provider body_of(Stream& stream) noexcept;
    /// A request has begun.
    void count_request();
    /// Lets the peer send `count` more bytes on a stream whose data was taken.
    void consumed(std::int32_t id, std::size_t count) noexcept;

private:
    friend struct Callbacks;
    Stream* begin_stream(std::int32_t id);
    void end_stream(Stream& stream, std::uint32_t error_code);
    void ready(std::int32_t id) { ready_.push_back(id); }
    Stream* find(std::int32_t id) noexcept;
    void unlink(Stream& stream) noexcept;

    void process();
    bool receive();
    void proceed_ready();
    bool gather();
    void send();
    void wait_for_more();
    bool some_stream_awaits_peer() const noexcept;
    void begin_goaway();
    void flood() noexcept { flooded_ = true; }
    void reset_waiting();
    void give_up(std::uint32_t error_code);
    bool meter(std::string_view bytes);

    Connection& connection_;
    Application& application_;
    const Limits& limits_;
    FrameMeter meter_;
    SessionPtr session_;
    Stream* first_ = nullptr;
    std::size_t stream_count_ = 0;
    std::vector<std::int32_t> ready_;
    std::uint64_t served_ = 0;
    std::size_t preface_left_ = kPreface.size();
    const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  ///< for timers that may outlive this
    bool processing_ = false;
    bool draining_ = false;
    bool flooded_ = false;  ///< noted in a callback, acted on behind it
    bool served_since_idle_ = false;
    bool last_goaway_sent_ = false;
    bool ending_ = false;  ///< what is queued goes out, nothing more is read
};

}  // namespace acp::wire::http2
