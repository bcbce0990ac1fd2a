// conformance: acp.auth_flow/1.
#include <algorithm>

#include "flow_instance.h"
#include "flow_rules.h"
#include "instances.h"
#include "text.h"

namespace acp::conformance {

namespace {

constexpr const char* kIid = ACP_IID_AUTH_FLOW;

template <auto Body>
void over_flows(Bench& b) {
    Body(b, kIid);
}

std::string kind_name(int32_t kind) {
    static constexpr const char* kNames[] = {"PASS", "GRANT", "FORWARD", "SESSION", "REDIRECT", "RESPOND", "PAGE", "END", "REFUSE"};
    return kind >= 0 && kind < 9 ? kNames[kind] : std::to_string(kind);
}

std::string told(const Step& step) {
    if (!step.ok()) return status_name(step.code) + ": " + in_quotes(step.message);
    return std::to_string(step.decisions) + " decisions, " + kind_name(step.decided.kind);
}

void expect_one_decision(const Step& step) {
    if (step.ok())
        require(step.decisions == 1, step.operation + " does not end with one decision", "ACP_OK and one decision", told(step));
    else
        require(step.decisions == 0, step.operation + " fails and decides", "a status, or a decision",
                told(step) + " and " + std::to_string(step.decisions) + " decisions");
}

void describes_well(Bench& b) {
    const FlowInstance flow(b);
    const std::string fault = fault_of(flow.endpoints(), flow.fields());
    require(fault.empty(), "the flow describes itself wrongly", "endpoints and credential fields as ext/auth_flow.h has them", fault);
    const auto table = whole_table<acp_auth_flow>(b.interface(kIid));
    require(flow.fields().empty() || table.authenticate, "there are credential fields and nobody who judges them", "authenticate", "NULL");
}

void describes_the_same(Bench& b) {
    FlowInstance flow(b);
    const auto told = [&] {
        std::string all;
        for (const auto& e : flow.client().endpoints())
            all += e.operation_id + " " + e.method + " " + e.path + " " + e.grant_type + " " + std::to_string(e.input) + " " + std::to_string(e.flags) + "\n";
        for (const auto& name : flow.client().credential_fields()) all += name + "\n";
        return all;
    };
    const std::string before = told();
    flow.each_step([](const Step&) {});
    const std::string after = told();
    require(before == after, "the description changes", in_quotes(before), in_quotes(after));
}

void decides_once(Bench& b) {
    FlowInstance flow(b);
    flow.each_step(expect_one_decision);
}

void decides_well(Bench& b) {
    FlowInstance flow(b);
    flow.each_step([](const Step& step) {
        if (!step.ok() || step.decisions == 0) return;
        const std::string fault = fault_of(step.decided);
        require(fault.empty(), step.operation + " decides wrongly", "a decision as ext/auth_flow.h has it", kind_name(step.decided.kind) + " with " + fault);
    });
}

void fails_well(Bench& b) {
    FlowInstance flow(b);
    flow.each_step([](const Step& step) {
        if (step.ok()) return;
        require(is_status(step.code), step.operation + " gave a status that nobody knows", "ACP_E_*", std::to_string(step.code));
        require(!step.message.empty() && is_utf8(step.message), step.operation + " failed without a message", "a message in UTF-8", in_quotes(step.message));
        require(step.error_code == step.code || step.error_code == 0, step.operation + ": the error's code is not the status", status_name(step.code),
                status_name(step.error_code));
        require(step.details_json.empty() || is_json_object(step.details_json), step.operation + ": the error's details are no JSON",
                "a JSON object or nothing", in_quotes(step.details_json));
    });
}

void unknown_operation(Bench& b) {
    FlowInstance flow(b);
    sdk::AuthEndpoint nowhere{"no-such-operation", "POST", "/no-such-path", ACP_AUTH_INPUT_FORM, ACP_AUTH_NEEDS_CLIENT | ACP_AUTH_NEEDS_SESSION};
    const Step step = flow.client().handle(FlowInstance::request(nowhere, Caller::known), FakeCall(kStepLimit));
    require(!step.ok() || step.is(ACP_AUTH_REFUSE), "an endpoint that there is not succeeds", "a failed call, or REFUSE", told(step));
}

void lets_no_stranger_in(Bench& b) {
    FlowInstance flow(b);
    if (flow.endpoints().empty()) not_applicable("there is no endpoint");
    for (const auto& endpoint : flow.endpoints())
        for (const Caller caller : {Caller::nobody, Caller::garbage}) {
            const Step step = flow.client().handle(FlowInstance::request(endpoint, caller), FakeCall(kStepLimit));
            require(!step.lets_in(), step.operation + " lets somebody in without client, session and sense", "a failed call, or a decision that grants nothing",
                    told(step));
        }
}

void believes_no_field(Bench& b) {
    FlowInstance flow(b);
    if (flow.fields().empty()) not_applicable("there is no credential field");
    for (const std::string& value : {std::string(), std::string("admin"), std::string("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9."), std::string(8192, 'x')}) {
        const Step step = flow.client().authenticate(flow.credentials(value), FakeCall(kStepLimit));
        require(!step.lets_in(), "a field that proves nothing lets somebody in", "PASS, REFUSE or a failed call", told(step));
    }
    sdk::AuthRequest without = flow.credentials("");
    std::erase_if(without.fields, [&](const auto& f) { return std::find(flow.fields().begin(), flow.fields().end(), f.first) != flow.fields().end(); });
    const Step step = flow.client().authenticate(without, FakeCall(kStepLimit));
    require(step.is(ACP_AUTH_PASS), "a request without the field is not passed on", "PASS", told(step));
}

void tells_no_secret(Bench& b) {
    FlowInstance flow(b);
    flow.each_step([](const Step& step) {
        const Decided& d = step.decided;
        for (const auto* text : {&step.message, &step.details_json, &d.error_description, &d.audit_json, &d.body_json, &d.location})
            require(text->find(kSecretMark) == std::string::npos, step.operation + " repeats a secret", "no secret in messages, pages, locations and audit",
                    in_quotes(*text));
    });
    for (const auto& line : b.host().logs())
        require(line.message.find(kSecretMark) == std::string::npos, "the flow logs a secret", "no secret in the log", in_quotes(line.message));
}

void survives_outage(Bench& b) {
    FlowInstance flow(b);
    for (const acp_status status : {ACP_E_UNAVAILABLE, ACP_E_INTERNAL, ACP_E_DEADLINE}) {
        b.identity().fail_with(status);
        try {
            flow.each_step(expect_one_decision);
        } catch (...) {
            b.identity().fail_with(ACP_OK);
            throw;
        }
        b.identity().fail_with(ACP_OK);
    }
}

/// A step of which one struct has another size; the flow may fail, but not fall.
template <typename Body>
void survive(Body&& body) {
    sdk::ErrorSlot error;
    at_boundary("handle", [&] { return body(error.get()); });
}

void step_sizes(Bench& b) {
    FlowInstance flow(b);
    const acp_auth_flow& table = flow.client().table();
    void* self = flow.client().self();
    const FakeCall call(kStepLimit);
    using Request = Resized<acp_auth_request>;
    using Call = Resized<acp_call>;
    using Sink = Resized<acp_auth_sink>;
    using Session = Resized<acp_auth_session>;
    const acp_auth_sink ignore{sizeof ignore, 0, nullptr, [](void*, const acp_auth_decision*) {}};
    const auto each = [&](const acp_auth_request& whole, auto function) {
        for (const bool is_short : {true, false}) {
            const Request request(whole, is_short ? Request::short_by_a_pointer : Request::longer_by_4_kib);
            const Call sized(*call.raw(), is_short ? Call::short_by_a_pointer : Call::longer_by_4_kib);
            const Sink sink(ignore, is_short ? Sink::short_by_a_pointer : Sink::longer_by_4_kib);
            survive([&](acp_error* error) { return function(self, call.raw(), request.get(), &ignore, error); });
            survive([&](acp_error* error) { return function(self, sized.get(), &whole, &ignore, error); });
            survive([&](acp_error* error) { return function(self, call.raw(), &whole, sink.get(), error); });
        }
    };
    for (const auto& endpoint : flow.endpoints()) {
        const sdk::AuthRequest request = FlowInstance::request(endpoint, Caller::known);
        const RawAuthRequest whole(request);
        each(*whole.get(), table.handle);
    }
    if (table.authenticate && !flow.fields().empty()) {
        const sdk::AuthRequest with = flow.credentials("conformance");
        const RawAuthRequest whole(with);
        each(*whole.get(), table.authenticate);
    }
    const sdk::AuthSession session = FlowInstance::session();
    for (const auto kind : {Session::short_by_a_pointer, Session::longer_by_4_kib}) {
        const Session sized(raw_auth_session(session), kind);
        if (table.renew) survive([&](acp_error* error) { return table.renew(self, call.raw(), sized.get(), &ignore, error); });
        if (table.ended) survive([&](acp_error* error) { return table.ended(self, call.raw(), sized.get(), error); });
    }
}

}  // namespace

const std::vector<Check>& flow_checks() {
    static const std::vector<Check> all = {
        {"flow.table", kIid, "entry.init", "the table is complete", &over_flows<table_is_complete>},
        {"flow.create", kIid, "flow.table", "an instance is made and destroyed", &over_flows<creates>},
        {"flow.create.garbage_config", kIid, "flow.create", "a configuration that is no JSON object is refused, with the reason", &over_flows<refuses_garbage>},
        {"flow.create.unknown_members", kIid, "flow.create", "a misspelt setting is noticed", &over_flows<refuses_unknown_members>},
        {"flow.create.struct_sizes", kIid, "flow.create", "an acp_instance_config of another size is survived", &over_flows<survives_config_sizes>},
        {"flow.create.error_sizes", kIid, "flow.create", "an acp_error of another size is survived", &over_flows<survives_error_sizes>},
        {"flow.create.bare_host", kIid, "flow.create", "a host without interfaces is survived", &over_flows<survives_bare_host>},
        {"flow.create.many", kIid, "flow.create", "many instances live side by side", &over_flows<makes_many>},
        {"flow.describe.well_formed", kIid, "flow.create", "endpoints and fields that the host can serve", &describes_well},
        {"flow.describe.constant", kIid, "flow.create", "which stay the same", &describes_the_same},
        {"flow.decision.once", kIid, "flow.create", "a step ends with one decision, or fails with none", &decides_once},
        {"flow.decision.well_formed", kIid, "flow.create", "a decision has what its kind needs", &decides_well},
        {"flow.errors", kIid, "flow.create", "failures have a status and a message", &fails_well},
        {"flow.handle.unknown_operation", kIid, "flow.create", "an endpoint that there is not fails", &unknown_operation},
        {"flow.handle.struct_sizes", kIid, "flow.create", "requests, calls, sinks and sessions of another size are survived", &step_sizes},
        {"flow.strangers", kIid, "flow.create", "nobody gets in without client, session and sense", &lets_no_stranger_in},
        {"flow.authenticate.forged", kIid, "flow.create", "a field counts by what it proves alone", &believes_no_field},
        {"flow.secrets", kIid, "flow.create", "secrets stay out of messages, pages, audit and log", &tells_no_secret},
        {"flow.host.outage", kIid, "flow.create", "host services that fail are survived", &survives_outage},
    };
    return all;
}

}  // namespace acp::conformance
