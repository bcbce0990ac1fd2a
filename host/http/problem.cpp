#include "http/problem.h"

#include "json/json.h"

namespace acp::http {

int status_of(Code code) noexcept {
    switch (code) {
        case Code::invalid: return 400;
        case Code::unauthenticated: return 401;
        case Code::forbidden: return 403;
        case Code::not_found: return 404;
        case Code::method_not_allowed: return 405;
        case Code::conflict: return 409;
        case Code::precondition_failed: return 412;
        case Code::too_large: return 413;
        case Code::unsupported_media_type: return 415;
        case Code::unprocessable: return 422;
        case Code::unsupported: return 501;
        case Code::exhausted: return 429;
        case Code::provider_error: return 502;
        case Code::unavailable: return 503;
        case Code::deadline: return 504;
        case Code::cancelled: return 409;
        case Code::internal: return 500;
    }
    return 500;
}

std::string problem_json(const Error& error, int status, std::string_view instance, std::string_view request_id) {
    const std::string slug = error.slug.empty() ? "error" : error.slug;
    json::Object::Ptr body = json::object({
        {"type", "urn:alphaswarm-cp:problem:" + slug},
        {"title", std::string(reason(status))},
        {"status", status},
        {"detail", error.message},
        {"instance", std::string(instance)},
        {"code", slug},
    });
    if (!error.violations.empty()) {
        json::Array::Ptr list = json::array();
        for (const auto& v : error.violations)
            list->add(json::object({{"pointer", v.pointer}, {"detail", v.detail}}));
        body->set("errors", list);
    }
    if (!error.details_json.empty()) {
        // A plugin's details that do not parse are dropped, not passed on as text.
        if (auto details = json::parse_object(error.details_json))
            for (const auto& name : (*details)->getNames())
                if (!body->has(name)) body->set(name, (*details)->get(name));
    }
    body->set("request_id", std::string(request_id));
    return json::dump(body);
}

Response problem(const Error& error, std::string_view instance, std::string_view request_id) {
    Response r;
    r.status = status_of(error.code);
    r.content_type = kProblem;
    r.body = problem_json(error, r.status, instance, request_id);
    if (r.status == 503 || r.status == 429) {
        const std::int64_t ms = error.retry_after_ms > 0 ? error.retry_after_ms : 1000;
        r.field("Retry-After", std::to_string((ms + 999) / 1000));
    }
    return r;
}

}  // namespace acp::http
