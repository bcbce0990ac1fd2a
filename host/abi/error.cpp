#include "abi/error.h"

#include <cstddef>

namespace acp::abi {

Code code_of(acp_status status) noexcept {
    switch (status) {
        case ACP_E_INVALID: return Code::invalid;
        case ACP_E_NOT_FOUND: return Code::not_found;
        case ACP_E_CONFLICT: return Code::conflict;
        case ACP_E_UNSUPPORTED: return Code::unsupported;
        case ACP_E_UNAVAILABLE: return Code::unavailable;
        case ACP_E_DEADLINE: return Code::deadline;
        case ACP_E_CANCELLED: return Code::cancelled;
        case ACP_E_EXHAUSTED: return Code::exhausted;
        case ACP_E_INTERNAL: return Code::internal;
        default: return Code::provider_error;
    }
}

namespace {

std::string_view slug_of(Code code) noexcept {
    switch (code) {
        case Code::invalid: return "invalid_request";
        case Code::not_found: return "not_found";
        case Code::conflict: return "conflict";
        case Code::unsupported: return "unsupported";
        case Code::unavailable: return "provider_unavailable";
        case Code::deadline: return "deadline_exceeded";
        case Code::cancelled: return "cancelled";
        case Code::exhausted: return "limit_reached";
        case Code::internal: return "plugin_defect";
        default: return "provider_error";
    }
}

}  // namespace

Error take_error(acp_status status, acp_error& raw, std::string_view where) {
    Error error;
    error.code = code_of(status);
    error.slug = slug_of(error.code);
    error.message = text(raw.message);
    error.details_json = text(raw.details_json);
    error.retryable = raw.retryable != 0;
    error.retry_after_ms = raw.retry_after_ms;
    if (error.message.empty()) error.message = std::string(where) + " failed without a message (status " + std::to_string(status) + ")";
    if (raw.release) raw.release(&raw);
    raw.release = nullptr;
    return error;
}

}  // namespace acp::abi
