#include "client/abi.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "alphaswarm-cp/sdk/error.hpp"
#include "client/egress.h"
#include "client/exchange.h"
#include "client/trust.h"

namespace acp::client {

namespace {

constexpr std::int64_t kConnectTimeoutMs = 5000;
constexpr std::int64_t kIdleTimeoutMs = 60000;
constexpr std::int64_t kTimeoutMax = 86'400'000;  // a day; keeps sums of nanoseconds in range
constexpr std::uint64_t kBodyMax = 16U << 20;

acp_status status_of(Code code) noexcept {
    switch (code) {
        case Code::invalid:
            return ACP_E_INVALID;
        case Code::unsupported:
            return ACP_E_UNSUPPORTED;
        case Code::exhausted:
            return ACP_E_EXHAUSTED;
        case Code::provider_error:
            return ACP_E_PROVIDER;
        case Code::unavailable:
            return ACP_E_UNAVAILABLE;
        case Code::deadline:
            return ACP_E_DEADLINE;
        case Code::cancelled:
            return ACP_E_CANCELLED;
        default:
            return ACP_E_INTERNAL;
    }
}

Handlers handlers_of(const acp_http_reply& reply) {
    Handlers handlers;
    if (reply.on_head != nullptr)
        handlers.on_head = [&reply](const ResponseHead& head) {
            std::vector<acp_pair> fields;
            fields.reserve(head.fields.size());
            for (const auto& field : head.fields) fields.push_back({sdk::str(field.name), sdk::str(field.value)});
            return reply.on_head(reply.ctx, head.status, fields.data(), fields.size()) == 0;
        };
    if (reply.on_body != nullptr)
        handlers.on_body = [&reply](std::string_view bytes) {
            return reply.on_body(reply.ctx, sdk::bytes(bytes)) == 0;
        };
    if (reply.on_pull != nullptr)
        handlers.on_pull = [&reply](std::string_view& out) {
            acp_bytes bytes{nullptr, 0};
            switch (reply.on_pull(reply.ctx, &bytes)) {
                case 0:
                    out = {reinterpret_cast<const char*>(bytes.ptr), bytes.len};
                    return Pull::bytes;
                case 2:
                    return Pull::nothing;
                default:
                    return Pull::half_close;
            }
        };
    return handlers;
}

acp_status perform_checked(const acp_call* call, const acp_http_call& raw, const acp_http_reply& reply,
                           acp_error* error) {
    const auto answer = [&](const Error& e) { return sdk::fill(error, status_of(e.code), e.message, {}, e.retryable); };
    Result<Url> url = parse_url(sdk::view(raw.url));
    if (!url) return answer(url.error());

    Origin origin = origin_of(*url);
    Request request;
    request.method = sdk::text(raw.method);
    request.target = std::move(url->target);
    request.authority = std::move(url->host_field);
    request.fields.reserve(raw.fields_count);
    for (std::size_t i = 0; i < raw.fields_count; ++i)
        request.fields.emplace_back(sdk::text(raw.fields[i].name), sdk::text(raw.fields[i].value));
    request.body.assign(reinterpret_cast<const char*>(raw.body.ptr), raw.body.len);
    request.upgrade = raw.upgrade != 0;
    // An upgrade leaves HTTP/1.1, so it cannot be asked for in HTTP/2.
    if (origin.scheme == Scheme::https && !request.upgrade) origin.versions = Versions::negotiate;

    if (raw.struct_size >= sizeof raw && raw.tls != nullptr && origin.scheme == Scheme::https) {
        if (raw.tls->struct_size < sizeof(acp_http_tls))
            return sdk::fill(error, ACP_E_INVALID, "tls is shorter than version 1.0 has it");
        auto context =
            trust_of({sdk::text(raw.tls->ca_file), sdk::text(raw.tls->certificate_file), sdk::text(raw.tls->key_file)});
        if (!context) return answer(context.error());
        origin.tls = {*context, sdk::text(raw.tls->spiffe_id)};
    }

    origin.proxy = proxy_to(origin);

    Bounds bounds;
    bounds.max_body_bytes = raw.max_body_bytes == 0 ? kBodyMax : raw.max_body_bytes;
    bounds.limits.connect_timeout_ms =
        raw.connect_timeout_ms <= 0 ? kConnectTimeoutMs : std::min(raw.connect_timeout_ms, kTimeoutMax);
    bounds.limits.idle_timeout_ms =
        raw.idle_timeout_ms == 0 ? kIdleTimeoutMs : std::min(raw.idle_timeout_ms, kTimeoutMax);
    if (call != nullptr) {
        bounds.limits.deadline_mono_ns = call->deadline_mono_ns;
        if (call->cancelled != nullptr) bounds.cancelled = [call] { return call->cancelled(call) != 0; };
    }
    Result<void> done = exchange(origin, std::move(request), handlers_of(reply), bounds);
    return done ? ACP_OK : answer(done.error());
}

acp_status perform(const acp_call* call, const acp_http_call* request, const acp_http_reply* reply,
                   acp_error* error) noexcept {
    if (request == nullptr || request->struct_size < offsetof(acp_http_call, tls) || reply == nullptr ||
        reply->struct_size < sizeof(acp_http_reply))
        return sdk::fill(error, ACP_E_INVALID, "request or reply is missing, or shorter than version 1.0 has it");
    try {
        return perform_checked(call, *request, *reply, error);
    } catch (const std::bad_alloc&) {
        return sdk::fill(error, ACP_E_EXHAUSTED, "out of memory");
    } catch (const std::exception& e) {
        return sdk::fill(error, ACP_E_INTERNAL, e.what());
    } catch (...) {
        return sdk::fill(error, ACP_E_INTERNAL, "a callback of the request threw");
    }
}

constexpr acp_host_http_client kTable{sizeof(acp_host_http_client), 0, &perform};

}  // namespace

const acp_host_http_client* http_client_table() noexcept {
    return &kTable;
}

}  // namespace acp::client
