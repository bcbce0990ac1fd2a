#include "client/ask.h"

#include "base/clock.h"
#include "client/egress.h"
#include "client/exchange.h"
#include "client/trust.h"
#include "client/url.h"

namespace acp::client {

Result<Reply> ask(Question question) {
    auto place = parse_url(question.url);
    if (!place) return fail(place.error());
    Origin origin = origin_of(*place);
    if (origin.scheme == Scheme::https) {
        origin.versions = Versions::negotiate;
        if (!question.ca_file.empty()) {
            auto trust = trust_of({question.ca_file, {}, {}});
            if (!trust) return fail(trust.error());
            origin.tls.context = *trust;
        }
    }
    origin.proxy = proxy_to(origin);

    Request request;
    request.method = std::move(question.method);
    request.target = place->target;
    request.authority = place->host_field;
    request.fields = std::move(question.fields);
    request.body = std::move(question.body);
    Bounds bounds;
    bounds.max_body_bytes = question.max_body_bytes;
    bounds.limits.connect_timeout_ms = question.timeout_ms;
    bounds.limits.deadline_mono_ns = monotonic_ns() + question.timeout_ms * 1'000'000;

    Reply reply;
    Handlers handlers;
    handlers.on_head = [&](const ResponseHead& head) {
        reply.status = head.status;
        return true;
    };
    handlers.on_body = [&](std::string_view bytes) {
        reply.body += bytes;
        return true;
    };
    if (auto done = exchange(origin, std::move(request), handlers, bounds); !done) return fail(done.error());
    return reply;
}

}  // namespace acp::client
