#include "state/backend.h"

namespace acp::state {

tl::unexpected<Error> unavailable(const std::string& kind, std::string cause) {
    Error error;
    error.code = Code::unavailable;
    error.slug = "state_unavailable";
    error.message = "the store of sessions and codes (" + kind + ") cannot be reached now; try again";
    error.internal = std::move(cause);
    error.retryable = true;
    error.retry_after_ms = 1000;
    return fail(std::move(error));
}

tl::unexpected<Error> conflict() {
    return fail(Code::conflict, "state_conflict", "the value was changed meanwhile");
}

tl::unexpected<Error> held() {
    return fail(Code::conflict, "state_locked", "somebody else does this now; try again");
}

tl::unexpected<Error> full(const std::string& kind, std::string cause) {
    Error error;
    error.code = Code::exhausted;
    error.slug = "state_full";
    error.message = "the store of sessions and codes (" + kind + ") is full; try again later";
    error.internal = std::move(cause);
    error.retryable = true;
    error.retry_after_ms = 5000;
    return fail(std::move(error));
}

}  // namespace acp::state
