// alphaswarm-cp plugin SDK: failures, and the edge where exceptions stop.
#pragma once

#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "alphaswarm-cp/types.h"

namespace acp::sdk {

inline std::string_view view(acp_str s) noexcept {
    return s.ptr ? std::string_view(s.ptr, s.len) : std::string_view();
}
inline std::string text(acp_str s) { return std::string(view(s)); }
/// Borrows `s`; the result lives no longer than it.
inline acp_str str(std::string_view s) noexcept { return {s.data(), s.size()}; }
inline acp_bytes bytes(std::string_view s) noexcept {
    return {reinterpret_cast<const uint8_t*>(s.data()), s.size()};
}

/// The first `most` bytes of `text` or fewer, cut between characters: what is
/// quoted in a message has to stay UTF-8.
inline std::string clip(std::string_view text, size_t most) {
    if (text.size() <= most) return std::string(text);
    while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;
    return std::string(text.substr(0, most));
}

/// What plugin code throws to fail a call. `message` reaches clients.
class Failure : public std::exception {
public:
    Failure(acp_status status, std::string message, bool retryable = false)
        : status_(status), message_(std::move(message)), retryable_(retryable) {}
    Failure& details(std::string json_object) & {
        details_ = std::move(json_object);
        return *this;
    }
    Failure&& details(std::string json_object) && {
        details_ = std::move(json_object);
        return std::move(*this);
    }
    const char* what() const noexcept override { return message_.c_str(); }
    acp_status status() const noexcept { return status_; }
    bool retryable() const noexcept { return retryable_; }
    const std::string& message() const noexcept { return message_; }
    const std::string& details_json() const noexcept { return details_; }

private:
    acp_status status_;
    std::string message_;
    std::string details_;
    bool retryable_;
};

namespace detail {

struct ErrorText {
    std::string message;
    std::string details;
};

inline void release_error(acp_error* error) noexcept {
    delete static_cast<ErrorText*>(error->private_data);
    error->private_data = nullptr;
    error->message = {nullptr, 0};
    error->details_json = {nullptr, 0};
    error->release = nullptr;
}

}  // namespace detail

/// Fills the caller's error; static text where memory is short.
inline acp_status fill(acp_error* error, acp_status status, std::string_view message,
                       std::string_view details = {}, bool retryable = false) noexcept {
    if (!error || error->struct_size < sizeof(acp_error)) return status;
    error->code = status;
    error->retryable = retryable ? 1 : 0;
    try {
        auto* owned = new detail::ErrorText{std::string(message), std::string(details)};
        error->private_data = owned;
        error->message = str(owned->message);
        error->details_json = owned->details.empty() ? acp_str{nullptr, 0} : str(owned->details);
        error->release = detail::release_error;
    } catch (const std::bad_alloc&) {
        error->message = ACP_STR_LITERAL("out of memory");
        error->release = nullptr;
    }
    return status;
}

/// Runs `body` and turns whatever leaves it into a status: no exception
/// crosses the boundary.
template <typename Body>
acp_status edge(acp_error* error, Body&& body) noexcept {
    try {
        std::forward<Body>(body)();
        return ACP_OK;
    } catch (const Failure& f) {
        return fill(error, f.status(), f.message(), f.details_json(), f.retryable());
    } catch (const std::bad_alloc&) {
        return fill(error, ACP_E_EXHAUSTED, "out of memory");
    } catch (const std::exception& e) {
        return fill(error, ACP_E_INTERNAL, e.what());
    } catch (...) {
        return fill(error, ACP_E_INTERNAL, "the plugin threw something that is no std::exception");
    }
}

/// Caller's side: an acp_error that releases itself.
class ErrorSlot {
public:
    ErrorSlot() noexcept {
        std::memset(&raw_, 0, sizeof raw_);
        raw_.struct_size = sizeof raw_;
    }
    ~ErrorSlot() {
        if (raw_.release) raw_.release(&raw_);
    }
    ErrorSlot(const ErrorSlot&) = delete;
    ErrorSlot& operator=(const ErrorSlot&) = delete;
    acp_error* get() noexcept { return &raw_; }
    std::string message() const { return text(raw_.message); }
    std::string details_json() const { return text(raw_.details_json); }
    bool retryable() const noexcept { return raw_.retryable != 0; }
    const acp_error& raw() const noexcept { return raw_; }

private:
    acp_error raw_;
};

}  // namespace acp::sdk
