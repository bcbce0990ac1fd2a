// wire: what one event loop counted. Written by the loop's thread alone, read
// by any, so a plain load and store will do: no locked instruction per request.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "wire/http1/parse.h"

namespace acp::wire {

class Counter {
public:
    void add(std::uint64_t n = 1) noexcept { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
    void sub(std::uint64_t n = 1) noexcept { value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed); }
    std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

struct Counters {
    Counter accepted, open, over_limit, evicted;  // connections
    Counter requests;
    std::array<Counter, 6> responses;          // by first digit of the status
    std::array<Counter, static_cast<std::size_t>(http1::Refusal::last_)> refused;
    Counter timeouts_header, timeouts_idle, timeouts_body, timeouts_write;
    Counter tls_handshakes, tls_failed;
    Counter websockets;
    Counter h2_connections, h2_resets, h2_floods, h2_protocol_errors;
    Counter bytes_in, bytes_out;
    Counter aborted_streams;                   // responses cut before their end
};

}  // namespace acp::wire
