// client: the client side of one HTTP/1.1 connection (RFC 9112): one call at a
// time, and what comes after an upgrade. An answer that is not complete by its
// own framing is a failure, never a shorter body.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "client/call.h"
#include "wire/connection.h"
#include "wire/feed.h"
#include "wire/http1/parse.h"

namespace acp::client {

class Pool;

class Http1 final : public wire::Protocol, private Carrier, private wire::Feed::Listener {
public:
    Http1(wire::Connection& connection, Pool& pool);
    ~Http1() override;

    /// Takes an idle connection; the request goes out in the connection's next turn.
    void begin(Call& call);
    /// Whether nothing has come, not even its end. One system call.
    bool is_alive() noexcept;
    /// Whether it has carried a call before.
    bool was_used() const noexcept { return used_; }
    std::int64_t idle_since_ns() const noexcept { return idle_since_ns_; }
    /// Closes.
    void end() noexcept { connection_.abort(); }

    // Protocol
    void on_readable() override { process(); }
    void on_flushed() override;
    void on_limit(wire::TimeoutList&) override {}  // calls have limits of their own
    void on_closing() override;
    void drain() override {}

private:
    enum class Stage : std::uint8_t { idle, begun, head, body, pipe };

    // Carrier
    http::BodySource::Pulled read(std::string& out, Error& why) override;
    bool write(std::string_view bytes) override;
    std::size_t unsent() const noexcept override { return connection_.output_pending(); }
    void finish() override { connection_.finish_output(); }
    void drop(bool silent) noexcept override;
    // Feed::Listener
    void on_feed() override;
    void on_heartbeat() override {}

    void process();
    void send_head();
    void send_body();
    bool read_head();
    void take_head();
    bool read_more(std::string& out);
    http::BodySource::Pulled at_end(Error& why);
    http::BodySource::Pulled refuse(Error& why, Error error);
    void fail_call(Error error, Seen seen);
    Seen seen() const noexcept;
    void complete();
    bool request_sent() const noexcept;
    Error malformed(std::string_view what) const;
    Error truncated(const std::string& what) const;
    Error broken() const;

    wire::Connection& connection_;
    Pool& pool_;
    Call* call_ = nullptr;
    Stage stage_ = Stage::idle;
    std::unique_ptr<wire::http1::ResponseHead> head_;
    std::size_t scanned_ = 0;
    int interim_ = 0;
    std::uint64_t left_ = 0;   ///< of a body of known length
    std::uint64_t taken_ = 0;  ///< of the body
    wire::http1::ChunkDecoder chunks_;
    std::size_t sent_ = 0;  ///< of Request::body
    std::unique_ptr<wire::Feed> feed_;
    bool source_ended_ = false;
    std::string piece_;
    bool used_ = false;
    std::int64_t idle_since_ns_ = 0;
};

}  // namespace acp::client
