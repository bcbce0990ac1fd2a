// client: a small question to another server, and its whole answer.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace acp::client {

struct Question {
    std::string url;  ///< http or https
    std::string method = "GET";
    std::vector<std::pair<std::string, std::string>> fields = {};
    std::string body = {};
    std::string ca_file = {};  ///< PEM, by which https is checked; empty: the system's store
    std::uint64_t max_body_bytes = 256U << 10;
    std::int64_t timeout_ms = 5000;  ///< for all of it
};

struct Reply {
    int status = 0;
    std::string body;
};

/// Any status is an answer, and redirects are not followed. Goes by the configured
/// proxy. Errors as client::exchange, which name the host. [any-thread] [may-block]
Result<Reply> ask(Question question);

}  // namespace acp::client
