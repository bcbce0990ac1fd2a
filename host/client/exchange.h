// client: one request and its answer for a caller that blocks, such as a plugin.
// The bytes are moved on the runner's loop, the callbacks run on the caller's
// thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "base/result.h"
#include "client/call.h"
#include "client/origin.h"
#include "client/request.h"

namespace acp::client {

/// What on_pull answers.
enum class Pull : std::uint8_t {
    bytes,       ///< `out` holds some
    half_close,  ///< nothing will follow
    nothing,     ///< none now, ask again in 20 ms
};

/// All run on the calling thread. Returning false ends the exchange with
/// Code::cancelled.
struct Handlers {
    std::function<bool(const ResponseHead&)> on_head;
    std::function<bool(std::string_view)> on_body;
    /// After an upgrade only. Asked again once what it gave is on its way.
    std::function<Pull(std::string_view& out)> on_pull;
};

struct Bounds {
    Limits limits;
    std::uint64_t max_body_bytes = 16U << 20;  ///< UINT64_MAX: no bound
    std::function<bool()> cancelled;           ///< empty: never; asked every 100 ms
};

/// Errors: Code::invalid (a request that cannot be sent), unavailable (no
/// connection, or it broke before the head; `retryable` when nothing was sent),
/// provider_error (malformed or truncated), exhausted (body over the bound, or
/// no connection free), deadline, cancelled.
Result<void> exchange(const Origin& origin, Request request, const Handlers& handlers, const Bounds& bounds);

}  // namespace acp::client
