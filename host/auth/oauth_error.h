// auth: errors in the words of OAuth (RFC 6749 section 5.2).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "dispatch/route.h"
#include "http/response.h"

namespace acp::auth {

/// An error whose slug is the OAuth code that the client gets. `internal` is for the
/// log alone.
tl::unexpected<Error> refuse(Code code, std::string oauth_code, std::string description, std::string internal = {});

/// The code that the client gets: the slug when it is one of OAuth's, else by the kind
/// of error.
std::string oauth_code(const Error& error);

/// {"error","error_description"}, never cached. `invalid_client` is 401, with a Basic
/// challenge when the client tried that way (RFC 6749 section 5.2); the rest is 400, or
/// 429, 503 and 500 for what is not the client's fault.
http::Response oauth_problem(const dispatch::Context& context, const Error& error);
/// The same with all of it given; `retry_after_ms` 0: none.
http::Response oauth_refusal(const dispatch::Context& context, int status, const std::string& code, std::string_view description,
                             std::int64_t retry_after_ms);
/// 401 for `invalid_client`, 400 for any other that is the client's fault.
int status_of(std::string_view code) noexcept;

/// JSON that no cache keeps (RFC 6749 section 5.1).
http::Response uncached_json(int status, std::string body);

/// `text` with what may not stand in an error_description replaced: anything
/// but printable ASCII without quotes and backslashes.
std::string description_of(std::string_view text);

}  // namespace acp::auth
