// wire: one connection, accepted or made: its socket, buffers and time limits.
// What the bytes mean is the business of its protocol.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <Poco/Net/StreamSocket.h>

#include "tls/channel.h"
#include "tls/peer.h"
#include "wire/buffer.h"
#include "wire/loop.h"
#include "wire/protocol.h"

#include "wire/timer.h"

namespace acp::wire {

class Connection;

/// The live connections of one loop and of one kind, and what they count into.
/// Loop thread only.
class ConnectionList {
public:
    explicit ConnectionList(Counters& counters) noexcept : counters_(counters) {}
    Counters& counters() noexcept { return counters_; }
    void add(Connection& connection) noexcept;
    void remove(Connection& connection) noexcept;
    bool empty() const noexcept { return first_ == nullptr; }
    /// Calls `visit` for each; it may close the one it is given.
    template <typename Visit>
    void each(Visit visit);

private:
    Counters& counters_;
    Connection* first_ = nullptr;
};

/// Which end of a connection this is. A server lets go of a peer that broke the
/// connection; a client still reads what came before, which may be its answer.
enum class Side : std::uint8_t { server, client };

/// Makes the protocol for a connection; `alpn` is empty when none was agreed on.
using ProtocolFactory = std::function<std::unique_ptr<Protocol>(Connection&, std::string_view alpn)>;
/// Told when a handshake comes to nothing; the reason may be empty.
using HandshakeFailed = std::function<void(const std::string& why)>;

class Connection final : public FdHandler, public TimeoutNode, public Retired {
public:
    Connection(Loop& loop, ConnectionList& list, const Poco::Net::StreamSocket& socket, Side side = Side::server);
    ~Connection() override;

    /// Starts watching the socket; the connection owns itself from here on and
    /// is retired by the loop when closed.
    void open(std::unique_ptr<Protocol> protocol);
    /// The same behind TLS: the handshake comes first, then what the factory
    /// makes for the protocol that ALPN settled on.
    void open_secure(tls::SslPtr ssl, ProtocolFactory factory, HandshakeFailed failed = {});
    /// TLS on a connection that is open and has no unread input, such as a tunnel.
    void secure(tls::SslPtr ssl, ProtocolFactory factory, HandshakeFailed failed);
    /// Hands the connection over. The protocol before lives until the loop's
    /// turn ends; it must not touch the connection any more. Unread input stays.
    void become(std::unique_ptr<Protocol> next);
    /// Finishes what is under way and then closes. Idle ones close at once.
    void drain() { protocol_->drain(); }
    /// Closes now, whatever is under way.
    void abort();

    // --- for the protocol

    std::string_view input() const noexcept { return {buffer_.get() + begin_, end_ - begin_}; }
    /// The same, for protocols that decode in place.
    std::span<char> writable_input() noexcept { return {buffer_.get() + begin_, end_ - begin_}; }
    void consume(std::size_t count) noexcept { begin_ += count; }
    /// Gives the input buffer back when it holds nothing. Views into it die.
    void release_input() {
        if (!buffer_ || begin_ != end_) return;
        loop_.give_back(std::move(buffer_));
        buffer_ = nullptr;
        begin_ = end_ = 0;
    }
    /// Moves the unread input to the front, so that there is room behind it.
    /// Views into it die.
    void compact_input() noexcept;
    /// Forgets input from `position` on, so that there is room for more behind it.
    void reset_input_to(std::size_t position) noexcept { begin_ = end_ = position; }
    std::size_t input_position() const noexcept { return begin_; }
    /// How much more fits behind the unread input.
    std::size_t input_room() const noexcept { return loop_.buffer_bytes() - end_; }
    bool input_ended() const noexcept { return input_ended_; }
    /// Why the socket failed (errno), 0 if it did not. Of clients only.
    int error() const noexcept { return error_; }
    /// Whether nothing has come that was not read, not even an end. A system call,
    /// and behind TLS not the whole truth: records that are no data count as nothing.
    bool is_quiet() const noexcept;
    /// Whether the end that was read is the peer's own: behind TLS anybody on the
    /// way can make one, but only the peer can say that it has.
    bool ended_cleanly() const noexcept { return error_ == 0 && (!tls_ || tls_->ended_cleanly()); }
    const tls::Channel* channel() const noexcept { return tls_.get(); }
    /// Whether the peer has sent its end, read or not.
    bool peer_ended() const noexcept { return input_ended_ || peer_ended_; }
    /// Reads once if the socket has something. True: new bytes, or the peer's
    /// end (`input_ended`). What is not asked for stays in the kernel, which
    /// is all the back-pressure a sender needs.
    bool fill_input();
    /// False when `fill_input` would find nothing; saves the call.
    bool may_fill_input() const noexcept { return readable_ && !input_ended_; }
    /// Has `on_readable` called again after others had their turn.
    void yield_turn() {
        if (!closed_) loop_.revisit(*this);
    }

    /// Where output goes until the next `flush`, which comes before the turn ends.
    Buffer& output() noexcept {
        if (!output_.empty()) return output_;
        Buffer* const scratch = loop_.scratch(this);
        return scratch ? *scratch : output_;
    }
    std::size_t output_pending() const noexcept {
        if (!output_.empty()) return output_.size() - output_sent_;
        const Buffer* const scratch = loop_.scratch(this);
        return scratch ? scratch->size() : 0;
    }
    /// Sends what it can; what is left goes when the peer takes it. May close.
    void flush();
    /// Whether the peer has not yet refused what is sent. Of clients only.
    bool takes_output() const noexcept { return !output_dead_ && !closed_; }
    /// Tells the peer that nothing more comes once all output is out; goes on reading.
    void finish_output();
    /// Closes after all output is out and the peer has had time to read it
    /// (RFC 9112 section 9.6).
    void close_after_flush();

    /// Starts a limit, in place of the one before. While the peer takes nothing
    /// of the output, the limit on that goes on alone.
    void arm(TimeoutList& list) {
        if (!output_blocked_) list.arm(*this, loop_.now_ns());
    }
    void disarm_unless_writing();
    bool is_secure() const noexcept { return tls_ != nullptr; }
    bool closed() const noexcept { return closed_; }
    bool closing() const noexcept { return closed_ || close_after_flush_ || lingering_; }
    Loop& loop() noexcept { return loop_; }
    const std::string& peer();
    /// The verified certificate of the other side, or null. Read once, after the handshake.
    const tls::PeerIdentity* certificate();
    Counters& counters() noexcept { return list_.counters(); }

private:
    friend class ConnectionList;
    /// Keeps a protocol that handed over until the turn ends.
    struct Outgoing final : Retired {
        explicit Outgoing(std::unique_ptr<Protocol> old) : protocol(std::move(old)) {}
        std::unique_ptr<Protocol> protocol;
    };
    void on_events(std::uint32_t events) override;
    void on_timeout(TimeoutList& list) override;
    void on_evicted() override;
    void note_tls(std::uint32_t events) noexcept;
    void hold_back(std::size_t sent);
    void output_failed();
    void end_output() noexcept;
    void linger();
    void discard_input();
    void close();

    Loop& loop_;
    ConnectionList& list_;
    Connection* previous_ = nullptr;
    Connection* next_ = nullptr;
    Poco::Net::StreamSocket socket_;
    const int fd_;
    std::unique_ptr<tls::Channel> tls_;
    std::unique_ptr<Protocol> protocol_;

    std::unique_ptr<char[]> buffer_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    Buffer output_;  // what the socket would not take
    std::size_t output_sent_ = 0;
    std::size_t discarded_ = 0;
    std::string peer_;
    std::optional<tls::PeerIdentity> certificate_;
    bool certificate_known_ = false;

    int error_ = 0;
    int output_error_ = 0;  ///< what a send took from the socket
    const Side side_;
    bool readable_ = false;    // the last word of the socket, edge-triggered
    bool peer_ended_ = false;
    bool input_ended_ = false;
    bool output_blocked_ = false;
    bool finish_after_flush_ = false;
    bool output_dead_ = false;  // the peer takes nothing more
    bool close_after_flush_ = false;
    bool lingering_ = false;
    bool closed_ = false;
};

template <typename Visit>
void ConnectionList::each(Visit visit) {
    for (Connection* at = first_; at;) {
        Connection* next = at->next_;
        visit(*at);
        at = next;
    }
}

}  // namespace acp::wire
