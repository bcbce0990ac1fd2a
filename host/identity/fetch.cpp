#include "identity/fetch.h"

#include "base/clock.h"
#include "client/egress.h"
#include "client/exchange.h"
#include "client/trust.h"
#include "client/url.h"

namespace acp::identity {

namespace {

constexpr std::uint64_t kMaxBytes = 256U << 10;
constexpr std::int64_t kTimeoutMs = 5000;

/// http to this very machine: development and tests.
bool is_plain_loopback(const client::Url& url) {
    return url.scheme == client::Scheme::http && client::is_loopback(url.host);
}

}  // namespace

Result<void> check_key_url(const std::string& url, const std::string& issuer) {
    const auto wanted = client::parse_url(url);
    if (!wanted) return fail(wanted.error());
    if (wanted->scheme == client::Scheme::https) return {};
    const auto own = client::parse_url(issuer);
    if (is_plain_loopback(*wanted) && own && is_plain_loopback(*own)) return {};
    return fail(Code::invalid, "bad_url",
                "keys are fetched by https only, or by http on loopback for an issuer that is there too");
}

Result<std::string> fetch_document(const std::string& url, const std::string& ca_file) {
    auto place = client::parse_url(url);
    if (!place) return fail(place.error());
    client::Origin origin = client::origin_of(*place);
    if (origin.scheme == client::Scheme::https) {
        origin.versions = client::Versions::negotiate;
        if (!ca_file.empty()) {
            auto trust = client::trust_of({ca_file, {}, {}});
            if (!trust) return fail(trust.error());
            origin.tls.context = *trust;
        }
    }
    origin.proxy = client::proxy_to(origin);

    client::Request request;
    request.target = place->target;
    request.authority = place->host_field;
    request.fields = {{"Accept", "application/json"}};
    client::Bounds bounds;
    bounds.max_body_bytes = kMaxBytes;
    bounds.limits.connect_timeout_ms = kTimeoutMs;
    bounds.limits.deadline_mono_ns = monotonic_ns() + kTimeoutMs * 1'000'000;

    int status = 0;
    std::string body;
    client::Handlers handlers;
    handlers.on_head = [&](const client::ResponseHead& head) {
        status = head.status;
        return true;
    };
    handlers.on_body = [&](std::string_view bytes) {
        body += bytes;
        return true;
    };
    if (auto done = client::exchange(origin, std::move(request), handlers, bounds); !done) return fail(done.error());
    if (status == 200) return body;
    return fail(status == 404 ? Code::not_found : Code::provider_error, "fetch_failed",
                origin.place() + place->target + " answered " + std::to_string(status));
}

}  // namespace acp::identity
