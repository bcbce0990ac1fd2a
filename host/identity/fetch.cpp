#include "identity/fetch.h"

#include "client/ask.h"
#include "client/origin.h"
#include "client/url.h"

namespace acp::identity {

namespace {

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
    auto reply = client::ask({.url = url, .fields = {{"Accept", "application/json"}}, .ca_file = ca_file});
    if (!reply) return fail(reply.error());
    if (reply->status == 200) return std::move(reply->body);
    const auto place = client::parse_url(url);
    return fail(reply->status == 404 ? Code::not_found : Code::provider_error, "fetch_failed",
                client::origin_of(*place).place() + place->target + " answered " + std::to_string(reply->status));
}

}  // namespace acp::identity
