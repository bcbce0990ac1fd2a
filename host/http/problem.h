// http: the one place that turns an Error into a response (RFC 9457).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "http/response.h"

namespace acp::http {

int status_of(Code code) noexcept;

/// Members: type, title, status, detail, instance, code, errors[], request_id
/// and whatever the error's details hold. `instance` is the request's path.
std::string problem_json(const Error& error, int status, std::string_view instance, std::string_view request_id);
Response problem(const Error& error, std::string_view instance, std::string_view request_id);

}  // namespace acp::http
