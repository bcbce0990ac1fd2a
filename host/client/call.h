// client: one request under way and its answer, on an event loop.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "client/request.h"
#include "http/response.h"
#include "wire/loop.h"

namespace acp::client {

class Pool;

/// How long a call may take.
struct Limits {
    std::int64_t deadline_mono_ns = 0;      ///< CLOCK_MONOTONIC, 0: none
    std::int64_t connect_timeout_ms = 5000; ///< until it has a connection
    std::int64_t idle_timeout_ms = 60000;   ///< longest silence of the peer while it is waited for, -1: none
};

/// What carries a call once it has a connection: that, or a stream of it.
class Carrier {
public:
    /// As Call::read; `why` is set with `failed`.
    virtual http::BodySource::Pulled read(std::string& out, Error& why) = 0;
    /// False: the peer takes nothing more.
    virtual bool write(std::string_view bytes) = 0;
    virtual std::size_t unsent() const noexcept = 0;
    virtual void finish() = 0;
    /// The call goes before its end. `silent`: because nothing came.
    virtual void drop(bool silent) noexcept = 0;

protected:
    ~Carrier() = default;
};

/// What the peer can have done with a request that failed.
enum class Seen : std::uint8_t {
    maybe,       ///< some of an answer came, or may have been lost
    unanswered,  ///< the connection ended before any byte of an answer
    unseen,      ///< the peer says that it did nothing with it
};

/// Loop thread only. A request that failed unanswered on a connection that had
/// been used before is sent once more on a new one, if it is idempotent (RFC 9110
/// section 9.2.2): the peer may have closed the old one at that moment. One that
/// the peer did not look at (RFC 9113 section 8.7) is sent again whatever it is,
/// three times at most.
class Call final {
public:
    /// Called in no turn but the client connection's own or a task of the loop.
    /// Any of them may destroy the call.
    class Listener {
    public:
        /// Another than the final one (1xx, but 101).
        virtual void on_interim(const ResponseHead&) {}
        virtual void on_head(const ResponseHead& head) = 0;
        /// `read` has something: bytes, the end, or that there will be none.
        virtual void on_body() = 0;
        /// No head will come.
        virtual void on_failed(const Error& error) = 0;
        /// What was written after an upgrade is out.
        virtual void on_writable() {}

    protected:
        ~Listener() = default;
    };

    Call(Pool& pool, Request request, Limits limits, Listener& listener);
    ~Call();
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    void start();

    /// Appends body bytes to `out`, or what comes after an upgrade. The peer is
    /// not read while nobody reads here. `failed`: see `error`; the bytes so far
    /// are not the whole.
    http::BodySource::Pulled read(std::string& out);
    const Error& error() const noexcept { return error_; }
    /// After an upgrade only. False: the peer takes nothing more.
    bool write(std::string_view bytes);
    std::size_t unsent() const noexcept { return carrier_ ? carrier_->unsent() : 0; }
    /// Nothing more is written; goes on reading.
    void finish();

    // --- for the pool and the carrier
    Request& request() noexcept { return request_; }
    Pool& pool() noexcept { return pool_; }
    const Limits& limits() const noexcept { return limits_; }
    /// Whether no connection that was used before will do.
    bool wants_fresh() const noexcept { return wants_fresh_; }
    /// `keeper` keeps the carrier for as long as the call needs it; it may be null.
    void carried_by(Carrier& carrier, bool used_before, std::shared_ptr<void> keeper = {});
    /// Something came from the peer.
    void heard() noexcept;
    void interim(const ResponseHead& head) { listener_.on_interim(head); }
    void head(const ResponseHead& head);
    void arrived();
    void writable() { listener_.on_writable(); }
    /// The carrier has let go of the call: it is complete, or failed.
    void complete() noexcept;
    void failed(Error error, Seen seen);

private:
    enum class Stage : std::uint8_t { idle, connecting, head, body, done };
    void arm();
    void on_timer();
    std::int64_t next_limit() const noexcept;
    void give_up(Error error, bool silent);
    void end(Error error);

    Pool& pool_;
    Request request_;
    const Limits limits_;
    Listener& listener_;
    Carrier* carrier_ = nullptr;
    std::shared_ptr<void> keeper_;
    Stage stage_ = Stage::idle;
    bool used_before_ = false;
    bool wants_fresh_ = false;
    int refusals_ = 0;
    bool awaits_peer_ = true;
    bool failed_ = false;
    std::int64_t begun_ns_ = 0;
    std::int64_t heard_ns_ = 0;
    std::optional<wire::Loop::TimerKey> timer_;
    Error error_;
};

}  // namespace acp::client
