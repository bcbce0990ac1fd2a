#include "plugins/auth_flow.h"

#include <algorithm>

#include "abi/error.h"
#include "alphaswarm-cp/sdk/sized.hpp"
#include "base/clock.h"
#include "plugins/adopt.h"
#include "plugins/auth_values.h"
#include "plugins/flow_host.h"
#include "plugins/instance.h"
#include "plugins/instance_config.h"

namespace acp::plugins {

using Kind = AuthDecision::Kind;

namespace {

struct Description {
    std::vector<AuthEndpoint> endpoints;
    std::vector<std::string> fields;
    bool failed = false;
};

void emit_endpoint(void* ctx, const acp_auth_endpoint* given) {
    auto& into = *static_cast<Description*>(ctx);
    try {
        const acp_auth_endpoint raw = sdk::whole(given);
        into.endpoints.push_back({abi::text(raw.operation_id), abi::text(raw.method), abi::text(raw.path),
                                  abi::text(raw.grant_type), raw.input, raw.flags, abi::text(raw.summary),
                                  abi::text(raw.operation_json)});
    } catch (...) {
        into.failed = true;
    }
}

void emit_field(void* ctx, acp_str name) {
    auto& into = *static_cast<Description*>(ctx);
    try {
        into.fields.push_back(abi::text(name));
    } catch (...) {
        into.failed = true;
    }
}

AuthDecision pass() {
    AuthDecision decision;
    decision.kind = Kind::pass;
    return decision;
}

/// What is wrong with a description as a whole, or nothing.
std::string wrong_with(const Description& described, bool judges) {
    if (described.failed) return "more than there is memory for";
    for (std::size_t i = 0; i < described.endpoints.size(); ++i) {
        const AuthEndpoint& one = described.endpoints[i];
        if (std::string wrong = wrong_with(one); !wrong.empty()) return wrong;
        for (std::size_t j = 0; j < i; ++j) {
            const AuthEndpoint& other = described.endpoints[j];
            if (one.operation_id == other.operation_id) return one.operation_id + ": the same operation_id twice";
            if (one.method == other.method && one.path == other.path)
                return one.operation_id + ": method and path of " + other.operation_id;
            if (!one.grant_type.empty() && one.grant_type == other.grant_type)
                return one.operation_id + ": the grant_type of " + other.operation_id;
        }
    }
    for (std::size_t i = 0; i < described.fields.size(); ++i) {
        const std::string& name = described.fields[i];
        if (!is_credential_field(name)) return "a credential field that no flow can have";
        if (std::find(described.fields.begin(), described.fields.begin() + static_cast<std::ptrdiff_t>(i), name) !=
            described.fields.begin() + static_cast<std::ptrdiff_t>(i))
            return "the credential field " + name + " twice";
    }
    if (!described.fields.empty() && !judges) return "credential fields without `authenticate`";
    if (described.endpoints.empty() && described.fields.empty()) return "neither endpoints nor credential fields";
    return {};
}

}  // namespace

std::unique_ptr<AuthFlow> AuthFlow::create(const LibraryPtr& library, HostIdentity* identity, std::string alias,
                                           const std::string& config_json, const std::string& state_dir, Fault& fault) {
    const void* raw = library->interface(ACP_IID_AUTH_FLOW);
    const std::string id = abi::text(library->entry().id);
    if (!raw) {
        refuse(fault, "config", "plugin " + id + " is no auth flow", ACP_IID_AUTH_FLOW, "no such interface",
               "name another plugin for this alias");
        return nullptr;
    }
    if (!check_config(*library, config_json, fault)) return nullptr;
    auto flow = std::unique_ptr<AuthFlow>(new AuthFlow);
    flow->library_ = library;
    flow->alias_ = std::move(alias);
    flow->plugin_id_ = id;
    flow->table_ = adopt<acp_auth_flow>(raw);
    flow->host_ = flow_host(flow->alias_, identity);
    const auto& table = flow->table_;
    if (!table.create || !table.destroy || !table.describe || !table.handle) {
        refuse(fault, "abi", "the auth flow's table lacks a function", "create, destroy, describe and handle", "NULL",
               "fill in the table");
        return nullptr;
    }
    const std::shared_ptr<const acp_host> host = flow->host_;
    return make_instance(std::move(flow), *host, config_json, state_dir, fault,
                         [](AuthFlow& made, Fault& why) { return made.read_description(why); });
}

AuthFlow::~AuthFlow() {
    end();
}

void AuthFlow::end() const {
    std::call_once(ended_, [this] {
        // The host stays as long as a destroy that may never come back.
        if (self_)
            destroy_instance([destroy = table_.destroy, self = self_, host = host_] { destroy(self); }, alias_);
    });
}

bool AuthFlow::read_description(Fault& fault) {
    Description described;
    const acp_auth_description_sink sink{sizeof(acp_auth_description_sink), 0, &described, &emit_endpoint, &emit_field};
    acp_error error{};
    error.struct_size = sizeof error;
    const acp_status status = table_.describe(self_, &sink, &error);  // make_instance stops what it throws
    if (status != ACP_OK)
        return refuse(fault, "create", abi::take_error(status, error, plugin_id_ + " describe").message,
                      "endpoints and credential fields", "status " + std::to_string(status), "see the message");
    if (const std::string wrong = wrong_with(described, table_.authenticate != nullptr); !wrong.empty())
        return refuse(fault, "create", "the auth flow describes itself wrongly",
                      "endpoints and credential fields as ext/auth_flow.h has them", wrong,
                      "report it to the plugin's vendor");
    endpoints_ = std::move(described.endpoints);
    credential_fields_ = std::move(described.fields);
    return true;
}

const AuthEndpoint* AuthFlow::endpoint(std::string_view operation_id) const noexcept {
    const auto at = std::find_if(endpoints_.begin(), endpoints_.end(),
                                 [&](const AuthEndpoint& e) { return e.operation_id == operation_id; });
    return at == endpoints_.end() ? nullptr : &*at;
}

/// The one way into the plugin: context in, status and error out, no exception.
template <typename Invoke>
Result<void> AuthFlow::invoke(const CallContext& context, std::string_view step, Invoke&& call) const {
    CallContext bounded = context;
    if (bounded.deadline_mono_ns == 0)
        bounded.deadline_mono_ns = monotonic_ns() + std::chrono::nanoseconds(kAuthPatience).count();
    const CallScope scope(bounded, "flow." + alias_);
    acp_error error{};
    error.struct_size = sizeof error;
    const std::string where = "plugin " + plugin_id_ + " " + std::string(step);
    try {
        const acp_status status = call(scope.get(), &error);
        if (status == ACP_OK) return {};
        return fail(abi::take_error(status, error, where));
    } catch (...) {
        return fail(Code::internal, "plugin_defect", where + " threw");
    }
}

/// A step that ends with a decision of one of `kinds`.
template <typename Invoke>
Result<AuthDecision> AuthFlow::decide(const CallContext& context, std::string_view step,
                                      std::initializer_list<AuthDecision::Kind> kinds, Invoke&& call) const {
    DecisionSlot slot;
    auto done = invoke(context, step, [&](const acp_call* c, acp_error* e) { return call(c, slot.sink(), e); });
    if (!done) return fail(std::move(done.error()));
    const std::string where = "plugin " + plugin_id_ + " " + std::string(step);
    auto decision = slot.take(where);
    if (decision && kinds.size() != 0 && std::find(kinds.begin(), kinds.end(), decision->kind) == kinds.end())
        return fail(Code::internal, "plugin_defect", where + " came to a decision that this step cannot have");
    return decision;
}

Result<AuthDecision> AuthFlow::handle(const CallContext& context, const AuthRequest& request) const {
    if (!endpoint(request.operation_id))
        return fail(Code::not_found, "not_found", "flow '" + alias_ + "' has no such endpoint");
    const RawAuthRequest raw(request);
    auto decision = decide(context, request.operation_id, {}, [&](const acp_call* c, const acp_auth_sink* out, acp_error* e) {
        return table_.handle(self_, c, raw.get(), out, e);
    });
    if (decision && decision->kind == Kind::redirect && !request.next_state.empty() &&
        !carries_state(decision->location, request.next_state))
        return fail(Code::internal, "plugin_defect",
                    "plugin " + plugin_id_ + " " + request.operation_id + " redirects without the state that it was given");
    return decision;
}

Result<AuthDecision> AuthFlow::authenticate(const CallContext& context, const AuthRequest& request) const {
    if (!table_.authenticate) return pass();
    const RawAuthRequest raw(request);
    return decide(context, "authenticate", {Kind::grant, Kind::pass, Kind::refuse},
                  [&](const acp_call* c, const acp_auth_sink* out, acp_error* e) {
                      return table_.authenticate(self_, c, raw.get(), out, e);
                  });
}

Result<AuthDecision> AuthFlow::renew(const CallContext& context, const AuthSession& session) const {
    if (!table_.renew) return pass();
    const acp_auth_session raw = raw_session(session);
    return decide(context, "renew", {Kind::session, Kind::pass, Kind::refuse},
                  [&](const acp_call* c, const acp_auth_sink* out, acp_error* e) {
                      return table_.renew(self_, c, &raw, out, e);
                  });
}

Result<void> AuthFlow::ended(const CallContext& context, const AuthSession& session) const {
    if (!table_.ended) return {};
    const acp_auth_session raw = raw_session(session);
    return invoke(context, "ended",
                  [&](const acp_call* call, acp_error* error) { return table_.ended(self_, call, &raw, error); });
}

}  // namespace acp::plugins
