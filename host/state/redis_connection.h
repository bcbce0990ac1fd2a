// state: one connection to Redis; every step has a deadline.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "state/redis_url.h"
#include "state/resp.h"
#include "tls/channel.h"
#include "tls/client_context.h"

namespace acp::state {

/// One thread at a time. Errors are Code::unavailable; after one it is of no use.
class RedisConnection {
public:
    /// Connected, logged in, the database chosen. `context` is needed for rediss.
    static Result<std::unique_ptr<RedisConnection>> open(const RedisUrl& url, const std::shared_ptr<const tls::ClientContext>& context,
                                                         std::int64_t deadline_ns);

    /// The reply to one command, an error reply as any other.
    Result<resp::Reply> ask(std::string_view command, std::int64_t deadline_ns);

    bool usable() const noexcept { return usable_; }
    /// The server's last word was an answer, and it is still there.
    bool quiet() const noexcept;
    /// The server is not the one it was: not to be used again.
    void give_up() noexcept { usable_ = false; }

private:
    explicit RedisConnection(std::string place) : place_(std::move(place)) {}
    Result<void> connect(const RedisUrl& url, std::int64_t deadline_ns);
    Result<void> handshake(const RedisUrl& url, const tls::ClientContext& context, std::int64_t deadline_ns);
    Result<void> log_in(const RedisUrl& url, std::int64_t deadline_ns);
    Result<void> send(std::string_view bytes, std::int64_t deadline_ns);
    Result<void> receive(std::int64_t deadline_ns);
    Result<void> wait(short events, std::int64_t deadline_ns);
    tl::unexpected<Error> broken(const std::string& cause);

    const std::string place_;
    UniqueFd fd_;
    std::optional<tls::Channel> channel_;
    std::string received_;  ///< of the reply under way
    bool usable_ = true;
};

}  // namespace acp::state
