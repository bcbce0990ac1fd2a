// client: one HTTP/1.1 request and its response over a connection of its own.
// Blocking, for plugins and other code on pools; an event loop uses
// wire/http1 itself. An answer that is not complete by its own framing is an
// error, never a shorter body.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "client/connection.h"
#include "client/url.h"
#include "wire/http1/parse.h"

namespace acp::client {

struct Request {
    Url url;
    std::string method = "GET";
    /// Host, Connection and what frames the message are the client's own and
    /// refused here; Upgrade is the caller's when `upgrade` is set.
    std::vector<std::pair<std::string, std::string>> fields;
    std::string_view body;
    bool upgrade = false;
    Tls tls;
    std::uint64_t max_body_bytes = 16U << 20;  ///< UINT64_MAX: no bound
};

/// What on_pull answers.
enum class Pull : std::uint8_t {
    bytes,       ///< `out` holds some
    half_close,  ///< nothing will follow
    nothing,     ///< none now, ask again in 20 ms
};

/// All run on the calling thread. Returning false ends the exchange with
/// Code::cancelled.
struct Handlers {
    std::function<bool(const wire::http1::ResponseHead&)> on_head;
    std::function<bool(std::string_view)> on_body;
    /// Raw pipe only; `out` must stay valid until the next callback.
    std::function<Pull(std::string_view& out)> on_pull;
};

/// Errors: Code::invalid (field or method that cannot be sent), unavailable
/// (no connection, or it broke before the head), provider_error (malformed or
/// truncated), exhausted (body over the bound), deadline, cancelled,
/// unsupported (https).
Result<void> exchange(const Request& request, const Handlers& handlers, const Bounds& bounds);

}  // namespace acp::client
