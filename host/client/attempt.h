// client: one attempt to get a connection: the name, its addresses in turn, a
// proxy's tunnel, TLS, and the protocol that comes out.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "client/resolver.h"
#include "wire/connection.h"
#include "wire/loop.h"

namespace acp::client {

class Pool;

/// Loop thread only. Tells its pool how it ended, unless it was stopped.
class Attempt final : private wire::FdHandler, public wire::Retired {
public:
    Attempt(Pool& pool, std::int64_t timeout_ms) : pool_(pool), timeout_ms_(timeout_ms) {}
    ~Attempt() override;

    void begin();
    /// Gives up and tells nobody.
    void stop() noexcept;

private:
    void on_events(std::uint32_t events) override;
    void resolved(Result<Addresses> addresses);
    void try_next();
    void try_address(const Address& address);
    void watch_share_of_time();
    void address_failed(const std::string& why);
    void connected();
    void open_tunnel();
    void open_tls(bool through_tunnel);
    std::unique_ptr<wire::Protocol> make_protocol(wire::Connection& connection, std::string_view alpn);
    void succeed(wire::Connection& connection, wire::Protocol& protocol, bool http2);
    void fail_with(Error error);
    void speaks_nothing_wanted();
    void unreachable(const std::string& why);
    void end() noexcept;
    bool speaks_http2(std::string_view alpn) const noexcept;

    Pool& pool_;
    const std::int64_t timeout_ms_;
    Addresses addresses_;
    std::size_t next_ = 0;
    std::string last_failure_;
    UniqueFd fd_;
    wire::Connection* connection_ = nullptr;
    std::optional<wire::Loop::TimerKey> timer_, address_timer_;
    std::int64_t until_ns_ = 0;
    /// For callbacks that may come after this.
    const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    bool over_ = false;
};

}  // namespace acp::client
