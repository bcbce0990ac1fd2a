// The other end of a connection: plain sockets with bounded waits.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/unique_fd.h"

namespace acp::wire::test {

/// Longest wait for anything that must happen; longer is a failure, not a hang.
inline constexpr int kPatienceMs = 20'000;

struct Reply {
    int status = 0;
    std::map<std::string, std::string> fields;  ///< names in lower case
    std::string body;
    bool complete = false;  ///< ended by its own framing
};

class Peer {
public:
    /// `receive_buffer`: SO_RCVBUF in bytes, set before connecting; 0: the system's.
    explicit Peer(std::uint16_t port, int receive_buffer = 0);

    /// Sends everything; false when the server does not take it.
    bool send(std::string_view bytes);
    /// Sends what the socket takes at once.
    std::size_t send_some(std::string_view bytes);
    void half_close();
    /// Closes with a reset instead of an orderly end.
    void reset();
    void close() { fd_.reset(); }

    /// Reads the next response, interim ones left out. `head_only`: it answers a HEAD.
    Reply read(bool head_only = false);
    /// Reads until `text` is among the unread bytes.
    bool read_until(std::string_view text);
    /// Reads up to the server's end; false when it does not come. A reset counts as an end.
    bool read_to_end();
    /// Whether anything, the end included, arrives within `ms`.
    bool hears_within(int ms);
    const std::string& unread() const noexcept { return unread_; }
    std::uint16_t local_port() const;

private:
    bool read_more(int ms = kPatienceMs);
    bool read_line(std::string& line);
    bool read_exactly(std::size_t count, std::string& into);
    void read_chunks(Reply& reply);

    UniqueFd fd_;
    std::string unread_;
    bool ended_ = false;
};

/// Whether `condition` comes true in time; looks again every millisecond.
template <typename Condition>
bool eventually(Condition condition);

void pause_ms(int ms);
std::int64_t now_ms();

template <typename Condition>
bool eventually(Condition condition) {
    for (const std::int64_t until = now_ms() + kPatienceMs; now_ms() < until; pause_ms(1))
        if (condition()) return true;
    return condition();
}

}  // namespace acp::wire::test
