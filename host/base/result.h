// base: values every room uses; it includes nothing of the house.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

namespace acp {

/// What went wrong, in terms of the caller's world. The one mapping to HTTP is
/// http/problem.h.
enum class Code : std::uint8_t {
    invalid,        ///< the request or configuration is wrong
    unauthenticated,
    forbidden,
    not_found,
    method_not_allowed,
    conflict,
    precondition_failed,
    too_large,
    unsupported_media_type,
    unprocessable,  ///< well-formed, but clashes with an earlier request
    unsupported,    ///< the provider or this build does not do that
    exhausted,      ///< a quota or limit is used up
    provider_error, ///< the backend answered with an error
    unavailable,    ///< a dependency cannot be reached now
    deadline,
    cancelled,
    internal,
};

/// One wrong place inside a larger input.
struct Violation {
    std::string pointer;  ///< RFC 6901 JSON pointer, or "file:line:key" for configuration
    std::string detail;
};

struct Error {
    Code code = Code::internal;
    std::string slug;     ///< stable machine word, e.g. "workload_not_found"; may be empty
    std::string message;  ///< for the client: what, where, how to mend it; no secret
    std::string internal; ///< for the log only
    std::vector<Violation> violations;
    std::string details_json; ///< extra members, a JSON object, or empty
    std::int64_t retry_after_ms = 0;
    bool retryable = false;
};

template <typename T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(Code code, std::string slug, std::string message) {
    Error e;
    e.code = code;
    e.slug = std::move(slug);
    e.message = std::move(message);
    return tl::unexpected<Error>(std::move(e));
}
inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }

}  // namespace acp
