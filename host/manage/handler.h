// manage: small steps that handlers share.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "dispatch/route.h"
#include "http/response.h"
#include "json/schema.h"
#include "manage/services.h"
#include "plugins/provider.h"

namespace acp::manage {

/// Deadline of calls that only read.
inline constexpr std::int64_t kReadTimeoutMs = 15'000;

/// A handler that may fail as one that answers with a problem.
template <typename Handler>
dispatch::BlockingHandler answering(Handler handler) {
    return [handler](const dispatch::ContextPtr& context) {
        Result<http::Response> response = handler(*context);
        return response ? std::move(*response) : context->problem(response.error());
    };
}

/// A route that changes something: `prepare` gives the action (or what opens a
/// stream), or the reason to refuse it.
template <typename Prepare>
dispatch::DeferredHandler acting(const Services& services, Prepare prepare) {
    return [&services, prepare](const dispatch::ContextPtr& context) {
        auto action = prepare(*context);
        if (action)
            services.actions.submit(context, std::move(*action));
        else
            context->responder.send(context->problem(action.error()));
    };
}

inline http::Response json_of(const json::Var& value, int status = 200) { return http::json_response(status, json::dump(value)); }

/// The context of a call that only reads: ends with the client.
inline plugins::CallContext read_call(const dispatch::Context& context) {
    plugins::CallContext call;
    call.deadline_mono_ns = monotonic_ns() + kReadTimeoutMs * 1'000'000;
    call.request_id = context.request_id;
    call.traceparent = context.traceparent;
    call.principal = context.principal->subject;
    call.tenant = context.principal->organization_id;
    call.cancelled = [responder = context.responder] { return responder.gone(); };
    return call;
}

/// The provider that a request names by `provider`, else the default.
Result<plugins::ProviderPtr> provider_of(const Services& services, const std::string& named);

/// The body as an object that fits `schema`; violations as JSON pointers.
Result<json::Object::Ptr> checked_body(const dispatch::Context& context, const json::Schema& schema);

/// A workload id from the path, or the error that says how one looks. Code::not_found for one
/// that the caller may not see.
Result<std::string> workload_id(const dispatch::Context& context);

json::Object::Ptr fault_json(const Fault& fault);

}  // namespace acp::manage
