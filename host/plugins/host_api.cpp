#include "plugins/host_api.h"

#include <array>
#include <string_view>

#include "abi/error.h"
#include "alphaswarm-cp/host/clock.h"
#include "alphaswarm-cp/host/http_client.h"
#include "alphaswarm-cp/host/log.h"
#include "alphaswarm-cp/stream.h"
#include "base/clock.h"
#include "client/abi.h"
#include "log/log.h"
#include "stream/stream.h"

namespace acp::plugins {

log::Level level_of(std::int32_t level) noexcept;

namespace {

void write_log(std::int32_t level, acp_str source, acp_str message, const acp_pair* fields, std::size_t count) {
    try {
        std::string text = abi::text(message);
        for (std::size_t i = 0; i < count; ++i)
            text += " " + abi::text(fields[i].name) + "=" + abi::text(fields[i].value);
        log::write(level_of(level), abi::view(source), text);
    } catch (...) {
        // See CallScope: logging never fails its caller.
    }
}

const acp_host_log kLog = {sizeof(acp_host_log), 0, &write_log,
                           [](std::int32_t level) -> std::int32_t { return log::enabled(level_of(level)) ? 1 : 0; }};
const acp_host_clock kClock = {sizeof(acp_host_clock), 0, [] { return monotonic_ns(); }, [] { return unix_ns(); }};

const void* get_interface(const acp_host*, acp_str iid) {
    const std::string_view id = abi::view(iid);
    if (id == ACP_IID_HOST_STREAM) return stream::stream_table();
    if (id == ACP_IID_HOST_LOG) return &kLog;
    if (id == ACP_IID_HOST_CLOCK) return &kClock;
    if (id == ACP_IID_HOST_HTTP_CLIENT) return client::http_client_table();
    return nullptr;
}

}  // namespace

const acp_host& host_api() noexcept {
    static const acp_host host = {sizeof(acp_host), ACP_ABI_MINOR, ACP_STR_LITERAL(ACP_VERSION), &get_interface};
    return host;
}

}  // namespace acp::plugins
