#include "plugins/flow_host.h"

#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "abi/error.h"
#include "alphaswarm-cp/host/identity.h"
#include "alphaswarm-cp/sdk/error.hpp"
#include "alphaswarm-cp/sdk/sized.hpp"
#include "base/clock.h"
#include "json/json.h"
#include "plugins/auth_step.h"
#include "plugins/host_api.h"

namespace acp::plugins {

namespace {

constexpr std::int64_t kStateSecondsMax = 30LL * 24 * 3600;
constexpr std::uint32_t kAssertionSeconds = 60, kAssertionSecondsMax = 300;

/// `raw` is the first member: a plugin hands back a pointer to it.
struct FlowHost {
    acp_host raw{};
    std::string alias;
    HostIdentity* identity = nullptr;
};

const void* get_interface(const acp_host* host, acp_str iid);

/// Null for a host that is no flow's.
const FlowHost* flow_of(const acp_host* host) noexcept {
    if (host == nullptr || host->get_interface != &get_interface) return nullptr;
    return reinterpret_cast<const FlowHost*>(host);
}

acp_status status_of(Code code) noexcept {
    switch (code) {
        case Code::invalid: return ACP_E_INVALID;
        case Code::unauthenticated:
        case Code::forbidden: return ACP_E_DENIED;
        case Code::not_found: return ACP_E_NOT_FOUND;
        case Code::conflict: return ACP_E_CONFLICT;
        case Code::unsupported: return ACP_E_UNSUPPORTED;
        case Code::too_large:
        case Code::exhausted: return ACP_E_EXHAUSTED;
        case Code::provider_error: return ACP_E_PROVIDER;
        case Code::unavailable: return ACP_E_UNAVAILABLE;
        case Code::deadline: return ACP_E_DEADLINE;
        case Code::cancelled: return ACP_E_CANCELLED;
        default: return ACP_E_INTERNAL;
    }
}

CallContext context_of(const acp_call* given) {
    const acp_call raw = sdk::whole(given);
    CallContext out;
    out.deadline_mono_ns = raw.deadline_mono_ns;
    if (out.deadline_mono_ns == 0)
        out.deadline_mono_ns = monotonic_ns() + std::chrono::nanoseconds(kAuthPatience).count();
    out.request_id = abi::text(raw.request_id);
    out.traceparent = abi::text(raw.traceparent);
    out.principal = abi::text(raw.principal);
    out.tenant = abi::text(raw.tenant);
    out.run_uid = abi::text(raw.run_uid);
    if (raw.cancelled != nullptr)
        out.cancelled = [given, cancelled = raw.cancelled] { return cancelled(given) != 0; };
    return out;
}

/// One call of a plugin into the house: who asks, then `body`, and nothing thrown.
template <typename Body>
acp_status enter(const acp_host* host, const acp_call* call, acp_error* error, Body&& body) noexcept {
    return sdk::edge(error, [&] {
        const FlowHost* flow = flow_of(host);
        if (flow == nullptr || flow->identity == nullptr || call == nullptr)
            throw sdk::Failure(ACP_E_INVALID, "the call comes without the host of an instance, or without its call");
        const CallContext context = context_of(call);
        Result<void> done = body(*flow->identity, context, flow->alias);
        if (done) return;
        const Error& e = done.error();
        throw sdk::Failure(status_of(e.code), e.message, e.retryable).details(e.details_json);
    });
}

Result<void> bad(std::string message) {
    return fail(Code::invalid, "invalid_argument", std::move(message));
}

Result<void> give(const acp_text_sink* out, const Result<std::string>& text) {
    if (!text) return fail(text.error());
    const acp_text_sink sink = sdk::whole(out);
    if (sink.emit == nullptr) return bad("there is nowhere to put the answer");
    sink.emit(sink.ctx, abi::str(*text));
    return {};
}

Result<void> check_value(acp_str value, std::int64_t ttl_s) {
    if (ttl_s < 1 || ttl_s > kStateSecondsMax) return bad("ttl_s is none of 1 s to 30 days");
    if (!json::parse_object(abi::view(value))) return bad("value_json is no JSON object");
    return {};
}

acp_status verify(const acp_host* host, const acp_call* call, const acp_token_check* given,
                  const acp_text_sink* claims, acp_error* error) noexcept {
    return enter(host, call, error, [&](HostIdentity& house, const CallContext& context, const std::string&) {
        const acp_token_check raw = sdk::whole(given);
        const TokenCheck check{abi::view(raw.token),    abi::view(raw.issuer), abi::view(raw.audience),
                               abi::view(raw.jwks_url), abi::view(raw.type),   abi::view(raw.nonce),
                               abi::view(raw.ca_file)};
        if (check.token.empty() || check.audience.empty()) return bad("a token and an audience are needed");
        return give(claims, house.verify(context, check));
    });
}

acp_status assertion(const acp_host* host, const acp_call* call, const acp_assertion_request* given,
                     const acp_text_sink* out, acp_error* error) noexcept {
    return enter(host, call, error, [&](HostIdentity& house, const CallContext& context, const std::string&) {
        const acp_assertion_request raw = sdk::whole(given);
        const AssertionWanted wanted{abi::view(raw.key), abi::view(raw.client_id), abi::view(raw.audience),
                                     raw.ttl_s == 0 ? kAssertionSeconds : raw.ttl_s};
        if (wanted.client_id.empty() || wanted.audience.empty()) return bad("client_id and audience are needed");
        if (wanted.ttl_s > kAssertionSecondsMax) return bad("an assertion lives for 300 s at most");
        return give(out, house.assertion(context, wanted));
    });
}

/// What a fetch emits: exactly one text.
struct Fetched {
    std::string text;
    int count = 0;
    static void emit(void* ctx, acp_str text) noexcept {
        auto& self = *static_cast<Fetched*>(ctx);
        try {
            ++self.count;
            self.text = abi::text(text);
        } catch (...) {
            self.count = 0;
        }
    }
};

Result<std::string> fetch_from(acp_token_fetch_fn fetch, void* ctx, const acp_call* call) {
    Fetched fetched;
    const acp_text_sink sink{sizeof(acp_text_sink), 0, &fetched, &Fetched::emit};
    acp_error error{};
    error.struct_size = sizeof error;
    acp_status status = ACP_E_INTERNAL;
    try {
        status = fetch(ctx, call, &sink, &error);
    } catch (...) {
        return fail(Code::internal, "plugin_defect", "the flow threw while it fetched a token");
    }
    if (status != ACP_OK) {
        Error told = abi::take_error(status, error, "the fetch of a token");
        // Of a provider a denial is a fault like others; here the flow wants its own word back.
        if (status == ACP_E_DENIED) told.code = Code::forbidden;
        return fail(std::move(told));
    }
    if (fetched.count != 1) return fail(Code::internal, "plugin_defect", "the flow fetched no single token");
    return std::move(fetched.text);
}

acp_status token_once(const acp_host* host, const acp_call* call, acp_str key, std::int64_t least_left_s,
                      acp_token_fetch_fn fetch, void* fetch_ctx, const acp_text_sink* out, acp_error* error) noexcept {
    return enter(host, call, error, [&](HostIdentity& house, const CallContext& context, const std::string& alias) {
        if (fetch == nullptr || key.len == 0 || least_left_s < 0)
            return bad("a key, a fetch function and a time of zero or more are needed");
        return give(out, house.token_once(context, alias, abi::view(key), least_left_s,
                                          [&] { return fetch_from(fetch, fetch_ctx, call); }));
    });
}

acp_status state_put(const acp_host* host, const acp_call* call, acp_str value_json, std::int64_t ttl_s,
                     const acp_text_sink* handle, acp_error* error) noexcept {
    return enter(host, call, error, [&](HostIdentity& house, const CallContext& context, const std::string& alias) {
        if (auto good = check_value(value_json, ttl_s); !good) return good;
        return give(handle, house.state_put(context, alias, abi::view(value_json), ttl_s));
    });
}

acp_status state_put_code(const acp_host* host, const acp_call* call, acp_str value_json, std::int64_t ttl_s,
                          const acp_text_sink* code, acp_error* error) noexcept {
    return enter(host, call, error, [&](HostIdentity& house, const CallContext& context, const std::string& alias) {
        if (auto good = check_value(value_json, ttl_s); !good) return good;
        return give(code, house.state_put_code(context, alias, abi::view(value_json), ttl_s));
    });
}

acp_status state_read(const acp_host* host, const acp_call* call, acp_str handle, std::uint64_t* version,
                      const acp_text_sink* value, acp_error* error) noexcept {
    return enter(host, call, error, [&](HostIdentity& house, const CallContext& context, const std::string& alias) -> Result<void> {
        auto read = house.state_read(context, alias, abi::view(handle));
        if (!read) return fail(std::move(read.error()));
        if (version != nullptr) *version = read->version;
        return give(value, std::move(read->value));
    });
}

acp_status state_replace(const acp_host* host, const acp_call* call, acp_str handle, std::uint64_t version,
                         acp_str value_json, acp_error* error) noexcept {
    return enter(host, call, error, [&](HostIdentity& house, const CallContext& context, const std::string& alias) {
        if (auto good = check_value(value_json, 1); !good) return good;
        return house.state_replace(context, alias, abi::view(handle), version, abi::view(value_json));
    });
}

acp_status state_take(const acp_host* host, const acp_call* call, acp_str handle, const acp_text_sink* value,
                      acp_error* error) noexcept {
    return enter(host, call, error, [&](HostIdentity& house, const CallContext& context, const std::string& alias) {
        return give(value, house.state_take(context, alias, abi::view(handle)));
    });
}

void audit(const acp_host* host, const acp_call* call, acp_str kind, acp_str target, acp_str outcome,
           acp_str details_json) noexcept {
    enter(host, call, nullptr, [&](HostIdentity& house, const CallContext& context, const std::string& alias) -> Result<void> {
        house.audit(context, alias, abi::view(kind), abi::view(target), abi::view(outcome), abi::view(details_json));
        return {};
    });
}

const acp_host_identity kIdentity = {
    sizeof(acp_host_identity), 0, &verify, &assertion, &token_once, &state_put, &state_put_code, &state_read,
    &state_replace, &state_take, &audit};

const void* get_interface(const acp_host* host, acp_str iid) {
    if (abi::view(iid) != ACP_IID_HOST_IDENTITY) return host_api().get_interface(&host_api(), iid);
    const FlowHost* flow = flow_of(host);
    return flow != nullptr && flow->identity != nullptr ? &kIdentity : nullptr;
}

}  // namespace

std::shared_ptr<const acp_host> flow_host(std::string alias, HostIdentity* identity) {
    auto flow = std::make_shared<FlowHost>();
    flow->raw = {sizeof(acp_host), ACP_ABI_MINOR, host_api().version, &get_interface};
    flow->alias = std::move(alias);
    flow->identity = identity;
    return {flow, &flow->raw};
}

}  // namespace acp::plugins
