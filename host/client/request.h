// client: a request as it goes out, and the head of what comes back.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "http/response.h"
#include "wire/http1/parse.h"

namespace acp::client {

struct Request {
    std::string method = "GET";
    std::string target = "/";  ///< origin-form
    std::string authority;     ///< Host, or :authority
    /// Host, Connection and what frames the message are the client's own and
    /// refused; Upgrade is the caller's when `upgrade` is set.
    std::vector<std::pair<std::string, std::string>> fields;
    std::string body;
    /// When set, the body, taken as it is produced; `body` is then empty. Such a
    /// request is never sent twice.
    std::unique_ptr<http::BodySource> source;
    std::optional<std::uint64_t> source_bytes;  ///< how many it will give, if that is known
    bool upgrade = false;                       ///< asks to go over to another protocol (HTTP/1.1 only)
};

/// Whether it can be sent: nothing in it can end a line early, so that a value
/// taken from outside cannot become a field or a request of its own. The error
/// is Code::invalid and names the field.
Result<void> check(const Request& request);

/// RFC 9110 section 9.2.2.
bool is_idempotent(std::string_view method) noexcept;

/// Views are valid during the call that hands it over, until the body is read.
struct ResponseHead {
    int status = 0;
    std::span<const wire::http1::Field> fields;
    /// What follows is no body but the other protocol, both ways: after 101, or
    /// after a 200 without a length to a request that asked for an upgrade, as
    /// container engines answer.
    bool upgraded = false;
};

}  // namespace acp::client
