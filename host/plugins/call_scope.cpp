#include "plugins/call_scope.h"

#include <cstring>

#include "abi/error.h"
#include "log/log.h"

namespace acp::plugins {

log::Level level_of(std::int32_t level) noexcept {
    if (level <= ACP_LOG_TRACE) return log::Level::trace;
    if (level >= ACP_LOG_ERROR) return log::Level::error;
    return static_cast<log::Level>(level);
}

CallScope::CallScope(const CallContext& context, std::string source) : context_(context), source_(std::move(source)) {
    std::memset(&raw_, 0, sizeof raw_);
    raw_.struct_size = sizeof raw_;
    raw_.ctx = this;
    raw_.deadline_mono_ns = context.deadline_mono_ns;
    raw_.request_id = abi::str(context.request_id);
    raw_.traceparent = abi::str(context.traceparent);
    raw_.principal = abi::str(context.principal);
    raw_.tenant = abi::str(context.tenant);
    raw_.run_uid = abi::str(context.run_uid);
    raw_.cancelled = [](const acp_call* call) -> std::int32_t {
        const auto* self = static_cast<const CallScope*>(call->ctx);
        try {
            return self->context_.cancelled && self->context_.cancelled() ? 1 : 0;
        } catch (...) {
            return 0;
        }
    };
    raw_.log = [](const acp_call* call, std::int32_t level, acp_str message) {
        const auto* self = static_cast<const CallScope*>(call->ctx);
        try {
            log::write(level_of(level), self->source_, abi::view(message),
                       {{"request_id", self->context_.request_id}, {"run_uid", self->context_.run_uid}});
        } catch (...) {
            // A log line that cannot be written must not fail the action.
        }
    };
}

}  // namespace acp::plugins
