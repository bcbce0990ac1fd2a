// client: a proxy asked for a tunnel (RFC 9110 section 9.3.6).
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "client/origin.h"
#include "wire/connection.h"

namespace acp::client {

/// Speaks on a fresh connection until the tunnel is there; `done` then has the
/// connection become what goes through it.
class Tunnel final : public wire::Protocol {
public:
    using Done = std::function<void(Result<void>)>;
    Tunnel(wire::Connection& connection, const Origin& origin, Done done)
        : connection_(connection), origin_(origin), done_(std::move(done)) {}

    void ask();

    void on_readable() override;
    void on_flushed() override {}
    void on_limit(wire::TimeoutList&) override {}
    void on_closing() override { refuse("it closed the connection"); }
    void drain() override {}

private:
    void refuse(const std::string& why);
    wire::Connection& connection_;
    const Origin& origin_;
    Done done_;
    std::size_t scanned_ = 0;
    int interim_ = 0;
};

/// What is left of a connection that nobody wants: it closes.
class Ended final : public wire::Protocol {
public:
    explicit Ended(wire::Connection& connection) : connection_(connection) {}
    void on_readable() override { connection_.abort(); }
    void on_flushed() override {}
    void on_limit(wire::TimeoutList&) override {}
    void on_closing() override {}
    void drain() override {}

private:
    wire::Connection& connection_;
};

}  // namespace acp::client
