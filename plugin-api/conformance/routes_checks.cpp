// conformance: acp.http_routes/1.
#include <algorithm>
#include <set>

#include "instances.h"
#include "routes_instance.h"
#include "text.h"

namespace acp::conformance {

namespace {

constexpr const char* kIid = ACP_IID_HTTP_ROUTES;

template <auto Body>
void over_routes(Bench& b) {
    Body(b, kIid);
}

std::unique_ptr<StreamSource> source(Bench& b) {
    return std::make_unique<RoutesInstance>(b);
}

/// What is wrong with a pattern; empty: nothing.
std::string pattern_fault(const std::string& pattern) {
    if (!pattern.starts_with('/')) return "it does not begin with /";
    std::set<std::string> names;
    for (std::size_t at = 1; at <= pattern.size();) {
        const auto end = std::min(pattern.find('/', at), pattern.size());
        const std::string segment = pattern.substr(at, end - at);
        if (segment == "." || segment == "..") return "it leaves its mount";
        if (segment.empty() && pattern != "/") return "a segment is empty";
        const bool brace = segment.find_first_of("{}") != std::string::npos;
        if (brace && (segment.size() < 3 || segment.front() != '{' || segment.back() != '}' ||
                      segment.find_first_of("{}", 1) != segment.size() - 1))
            return "a brace is not a whole segment";
        if (brace && !names.insert(segment).second) return segment + " occurs twice";
        if (segment.find_first_of("?# %") != std::string::npos) return "a character has no place in it";
        at = end + 1;
    }
    return {};
}

/// The pattern with its names taken away: what two routes cannot share.
std::string shape(const Route& route) {
    std::string out = route.method + " ";
    bool inside = false;
    for (const char c : route.pattern) {
        if (c == '}') inside = false;
        if (!inside) out += c;
        if (c == '{') inside = true;
    }
    return out;
}

void well_formed(Bench& b) {
    const RoutesInstance instance(b);
    require(!instance.routes().empty(), "there is no route", "one or more", "none");
    std::set<std::string> ids, shapes;
    for (const Route& r : instance.routes()) {
        const std::string name = r.method + " " + r.pattern;
        require(!r.short_struct, name + ": struct_size is too small", std::to_string(sizeof(acp_http_route)), "less");
        static const std::set<std::string> methods = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
        require(methods.contains(r.method), name + ": the host knows no such method", "GET, HEAD, POST, PUT, PATCH or DELETE",
                in_quotes(r.method));
        require(pattern_fault(r.pattern).empty(), name + ": the pattern is malformed", "segments, or a name in braces",
                pattern_fault(r.pattern));
        require(!r.operation_id.empty() && is_utf8(r.operation_id), name + " has no operation id", "an id", in_quotes(r.operation_id));
        require(ids.insert(r.operation_id).second, name + ": the operation id is taken", "one for each route", r.operation_id);
        require(shapes.insert(shape(r)).second, name + " is there twice", "one route for each request", shape(r));
        require(is_utf8(r.summary) && is_utf8(r.scope), name + ": a text is no UTF-8", "UTF-8", in_quotes(r.summary));
        require(r.operation_json.empty() || is_json_object(r.operation_json), name + ": the operation is no JSON",
                "an OpenAPI Operation Object or nothing", in_quotes(r.operation_json));
    }
}

void unknown_operation(Bench& b) {
    RoutesInstance instance(b);
    FakeStream stream;
    const Answer answer = instance.open_unknown(stream);
    if (answer.ok()) {
        stream.read_to_end(kStreamLimit);
        require(stream.finish_status() != ACP_OK || stream.http_status() >= 400, "a request that nobody serves succeeds",
                "a failed call, or an answer of 400 or more", std::to_string(stream.http_status()));
    }
}

void errors(Bench& b) {
    RoutesInstance instance(b);
    for (int kind = 0; kind <= instance.kinds(); ++kind) {
        FakeStream stream;
        const FakeCall call(kStreamLimit);
        const Answer a = open_heard(stream, listen_and_leave, [&](FakeStream& s) {
            return kind == instance.kinds() ? instance.open_unknown(s) : instance.open(kind, s, call);
        });
        if (a.ok()) {
            stream.wait_released(b.options().patience);
            continue;
        }
        require(is_status(a.code), a.operation + " gave a status that nobody knows", "ACP_E_*", std::to_string(a.code));
        require(!a.message.empty() && is_utf8(a.message), a.operation + " failed without a message", "a message in UTF-8",
                in_quotes(a.message));
        require(a.error_code == a.code || a.error_code == 0, a.operation + ": the error's code is not the status",
                status_name(a.code), status_name(a.error_code));
        require(a.details_json.empty() || is_json_object(a.details_json), a.operation + ": the error's details are no JSON",
                "a JSON object or nothing", in_quotes(a.details_json));
    }
}

void head_comes_first(Bench& b) {
    RoutesInstance instance(b);
    for (int kind = 0; kind < instance.kinds(); ++kind) {
        FakeStream stream;
        const FakeCall call(kStreamLimit);
        if (!open_heard(stream, listen_to_end, [&](FakeStream& s) { return instance.open(kind, s, call); }).ok()) continue;
        const StreamConduct c = stream.conduct();
        require(c.heads <= 1 && c.late_heads == 0, instance.name(kind) + " sets its head late or again",
                "headers at most once, before the first write", std::to_string(c.heads) + " times");
        require(stream.http_status() == 0 || (stream.http_status() >= 200 && stream.http_status() <= 599),
                instance.name(kind) + " answers by a status that is none", "200 to 599", std::to_string(stream.http_status()));
        expect_released(b, stream, instance.name(kind));
    }
}

void odd_requests(Bench& b) {
    RoutesInstance instance(b);
    for (const Route& route : instance.routes())
        for (const bool large : {false, true}) {
            const RouteRequest request(route, large ? std::string(1 << 20, '\xff') : std::string());
            acp_http_request raw = request.raw;
            if (!large) {
                raw.body = {nullptr, 0};
                raw.params = nullptr;
                raw.params_count = 0;
                raw.fields = nullptr;
                raw.fields_count = 0;
                raw.query = ACP_STR_LITERAL("%%%=&&;\xff");
            }
            FakeStream stream;
            const FakeCall call(kStreamLimit);
            if (!open_heard(stream, listen_to_end, [&](FakeStream& s) { return instance.handle(raw, s, call); }).ok()) continue;
            expect_released(b, stream, route.operation_id);
        }
}

void request_sizes(Bench& b) {
    RoutesInstance instance(b);
    const FakeCall call(kStreamLimit);
    using Request = Resized<acp_http_request>;
    using Call = Resized<acp_call>;
    for (const Route& route : instance.routes())
        for (const bool is_short : {true, false}) {
            const RouteRequest whole(route, "conformance");
            const Request request(whole.raw, is_short ? Request::short_by_a_pointer : Request::longer_by_4_kib);
            const Call sized(*call.raw(), is_short ? Call::short_by_a_pointer : Call::longer_by_4_kib);
            FakeStream stream;
            const Answer answer = open_heard(stream, listen_and_leave, [&](FakeStream& s) {
                sdk::ErrorSlot error;
                Answer a;
                a.code = at_boundary("handle", [&] {
                    return instance.table().handle(instance.self(), sized.get(), request.get(), s.lend(), error.get());
                });
                if (!a.ok()) s.take_back();
                return a;
            });
            if (answer.ok()) expect_released(b, stream, route.operation_id);
        }
}

}  // namespace

const std::vector<Check>& routes_checks() {
    static const std::vector<Check> all = {
        {"routes.table", kIid, "entry.init", "the table is complete", &over_routes<table_is_complete>},
        {"routes.create", kIid, "routes.table", "an instance is made and destroyed", &over_routes<creates>},
        {"routes.create.garbage_config", kIid, "routes.create", "a configuration that is no JSON object is refused, with the reason",
         &over_routes<refuses_garbage>},
        {"routes.create.unknown_members", kIid, "routes.create", "a misspelt setting is noticed", &over_routes<refuses_unknown_members>},
        {"routes.create.struct_sizes", kIid, "routes.create", "an acp_instance_config of another size is survived",
         &over_routes<survives_config_sizes>},
        {"routes.create.error_sizes", kIid, "routes.create", "an acp_error of another size is survived", &over_routes<survives_error_sizes>},
        {"routes.create.bare_host", kIid, "routes.create", "a host without interfaces is survived", &over_routes<survives_bare_host>},
        {"routes.create.many", kIid, "routes.create", "many instances live side by side", &over_routes<makes_many>},
        {"routes.well_formed", kIid, "routes.create", "routes that the host can serve", &well_formed},
        {"routes.errors", kIid, "routes.create", "failures have a status and a message", &errors},
        {"routes.handle.unknown_operation", kIid, "routes.create", "a request that nobody serves fails", &unknown_operation},
        {"routes.handle.failure_keeps_reference", kIid, "routes.create", "a failed call leaves the stream alone",
         &over_streams<source, failure_keeps_reference>},
        {"routes.handle.finish_once", kIid, "routes.create", "an answer is finished once and its stream given back",
         &over_streams<source, finishes_once>},
        {"routes.handle.head_first", kIid, "routes.create", "the head comes once and first", &head_comes_first},
        {"routes.handle.odd_requests", kIid, "routes.create", "requests without anything, and with 1 MiB of bytes", &odd_requests},
        {"routes.handle.struct_sizes", kIid, "routes.create", "requests and calls of another size are survived", &request_sizes},
    };
    return all;
}

}  // namespace acp::conformance
