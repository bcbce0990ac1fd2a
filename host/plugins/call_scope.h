// plugins: the acp_call that accompanies a call into a plugin.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "alphaswarm-cp/call.h"

namespace acp::plugins {

/// Who asks and until when; filled by dispatch.
struct CallContext {
    std::int64_t deadline_mono_ns = 0;  ///< 0: none
    std::string request_id;
    std::string traceparent;
    std::string principal;
    std::string tenant;
    std::string run_uid;
    std::function<bool()> cancelled;    ///< [any-thread], may be empty
};

/// The C view of a CallContext; lives on the stack of one call.
class CallScope {
public:
    CallScope(const CallContext& context, std::string source);
    CallScope(const CallScope&) = delete;
    CallScope& operator=(const CallScope&) = delete;
    const acp_call* get() const noexcept { return &raw_; }

private:
    const CallContext& context_;
    std::string source_;
    acp_call raw_;
};

}  // namespace acp::plugins
