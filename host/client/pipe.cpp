#include "client/pipe.h"

#include <poll.h>

#include <array>

#include "base/clock.h"

namespace acp::client {

namespace {

constexpr int kPullAgainMs = 20;
constexpr int kWaitMs = 100;

/// The sending half: what the caller gave and the socket has not yet taken.
class Sender {
public:
    Sender(Connection& connection, const Handlers& handlers)
        : connection_(connection), handlers_(handlers), open_(static_cast<bool>(handlers.on_pull)) {}

    /// Sends what there is and the socket takes.
    void pump() {
        while (open_) {
            if (pending_.empty() && !pull()) return;
            const std::ptrdiff_t n = connection_.write_some(pending_);
            if (n == 0) return;
            if (n < 0) {
                // The peer reads no more; what it still sends is read on.
                open_ = false;
                pending_ = {};
                return;
            }
            pending_.remove_prefix(static_cast<std::size_t>(n));
        }
    }
    bool blocked() const noexcept { return !pending_.empty(); }
    bool idle() const noexcept { return open_ && pending_.empty(); }

private:
    bool pull() {
        std::string_view out;
        switch (handlers_.on_pull(out)) {
            case Pull::bytes:
                pending_ = out;
                return !pending_.empty();
            case Pull::half_close:
                connection_.half_close();
                open_ = false;
                return false;
            case Pull::nothing:
                return false;
        }
        return false;
    }

    Connection& connection_;
    const Handlers& handlers_;
    std::string_view pending_;
    bool open_;
};

}  // namespace

Result<void> run_pipe(Connection& connection, std::string_view early, const Handlers& handlers,
                      std::uint64_t max_body_bytes, const Bounds& bounds) {
    std::uint64_t left = max_body_bytes;
    const auto deliver = [&](std::string_view bytes) -> Result<void> {
        if (bytes.size() > left) return fail(Code::exhausted, "body_too_large", "the peer sent more than the bound");
        if (max_body_bytes != UINT64_MAX) left -= bytes.size();
        if (!bytes.empty() && handlers.on_body && !handlers.on_body(bytes))
            return fail(Code::cancelled, "cancelled", "the caller stopped the exchange");
        return {};
    };
    if (Result<void> taken = deliver(early); !taken) return taken;

    Sender sender(connection, handlers);
    std::array<char, 32768> buffer;  // NOLINT: not zeroed, every byte delivered was received
    std::int64_t last_heard_ns = monotonic_ns();
    for (;;) {
        sender.pump();
        const short events = static_cast<short>(sender.blocked() ? POLLIN | POLLOUT : POLLIN);
        Result<short> ready = connection.wait(events, sender.idle() ? kPullAgainMs : kWaitMs, bounds);
        if (!ready) return tl::unexpected(ready.error());
        if ((*ready & (POLLIN | POLLHUP | POLLERR)) != 0) {
            Result<Connection::Read> got = connection.read(buffer.data(), buffer.size(), bounds);
            if (!got) {
                Error error = got.error();
                if (error.code == Code::unavailable) error.code = Code::provider_error;
                return tl::unexpected(std::move(error));
            }
            if (got->count == 0) return {};
            if (Result<void> taken = deliver({buffer.data(), got->count}); !taken) return taken;
            last_heard_ns = monotonic_ns();
        } else if (bounds.idle_timeout_ms >= 0 && monotonic_ns() - last_heard_ns > bounds.idle_timeout_ms * 1'000'000) {
            return fail(Code::deadline, "upstream_silent",
                        connection.place() + " was silent for " + std::to_string(bounds.idle_timeout_ms) + " ms");
        }
    }
}

}  // namespace acp::client
