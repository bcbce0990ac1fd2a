// wire: what a TLS connection does before its protocol is known.
#pragma once

#include <utility>

#include "wire/connection.h"

namespace acp::wire {

/// A peer that stalls runs into the limit for a request's head, which is armed
/// since the connection was accepted.
class Handshake final : public Protocol {
public:
    Handshake(Connection& connection, tls::Channel& channel, ProtocolFactory factory, HandshakeFailed failed)
        : connection_(connection), channel_(channel), factory_(std::move(factory)), failed_(std::move(failed)) {}

    void on_readable() override;
    void on_flushed() override {}
    void on_limit(TimeoutList&) override { connection_.abort(); }
    void on_closing() override { fail(); }
    void drain() override { draining_ = true; }

private:
    void fail();
    Connection& connection_;
    tls::Channel& channel_;
    ProtocolFactory factory_;
    HandshakeFailed failed_;
    bool draining_ = false;
};

}  // namespace acp::wire
