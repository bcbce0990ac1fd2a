#include "auth/client_auth.h"

#include <algorithm>

#include "auth/oauth_error.h"
#include "base/bytes.h"
#include "log/log.h"
#include "wire/http1/parse.h"

namespace acp::auth {

using identity::Client;
using identity::ClientAuth;

namespace {

constexpr std::size_t kClientIdBytes = 256;
constexpr std::string_view kBasic = "basic ";

tl::unexpected<Error> invalid_client(std::string internal) {
    return refuse(Code::unauthenticated, "invalid_client", "the client is unknown or its proof is not accepted", std::move(internal));
}

tl::unexpected<Error> invalid_request(std::string description) {
    return refuse(Code::invalid, "invalid_request", std::move(description));
}

bool is_client_id(std::string_view id) noexcept {
    return !id.empty() && id.size() <= kClientIdBytes && std::all_of(id.begin(), id.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
}

/// RFC 4648 section 4 with padding; one spelling for a value.
std::optional<std::string> unbase64(std::string_view text) {
    if (text.empty() || text.size() % 4 != 0 || text.find_first_of("-_") != std::string_view::npos) return std::nullopt;
    for (int i = 0; i < 2 && text.back() == '='; ++i) text.remove_suffix(1);
    std::string url(text);
    std::replace(url.begin(), url.end(), '+', '-');
    std::replace(url.begin(), url.end(), '/', '_');
    auto out = unbase64url(url);
    wipe(url);
    return out;
}

/// Whether one of the digests is the secret's; takes the same time whichever.
bool fits_any(const std::vector<std::string>& digests, std::string_view digest) noexcept {
    bool fits = false;
    for (const auto& known : digests) fits |= equal_constant_time(known, digest);
    return fits;
}

}  // namespace

ClientAuthenticator::Presented::~Presented() {
    wipe(secret);
}

ClientAuthenticator::ClientAuthenticator(const Services& services)
    : services_(services), assertions_(services), failures_(services.store, "client", services.settings.client_failures) {}

void ClientAuthenticator::strip(http::Query& form) noexcept {
    for (auto name : {"client_secret", "client_assertion", "client_assertion_type"}) form.forget(name);
}

/// RFC 6749 section 2.3.1: id and secret are form-encoded before they are put together.
Result<void> ClientAuthenticator::read_basic(const dispatch::Credentials& credentials, Presented& out) {
    if (credentials.authorization.size() > 1) return invalid_request("Authorization is given more than once");
    const std::string_view value = credentials.authorization.front();
    if (value.size() <= kBasic.size() || !wire::http1::equals_ci(value.substr(0, kBasic.size()), kBasic))
        return invalid_client("an Authorization that is not Basic");
    auto pair = unbase64(value.substr(kBasic.size()));
    if (!pair) return invalid_client("Basic that is not base64");
    const auto colon = pair->find(':');
    auto id = http::decode_form_value(std::string_view(*pair).substr(0, colon));
    auto secret = colon == std::string::npos ? std::nullopt : http::decode_form_value(std::string_view(*pair).substr(colon + 1));
    wipe(*pair);
    if (!id || !secret) return invalid_client("Basic without a colon, or with a malformed escape");
    out.client_id = std::move(*id);
    out.secret = std::move(*secret);
    wipe(*secret);
    out.method = ClientAuth::client_secret_basic;
    return {};
}

Result<void> ClientAuthenticator::read(const dispatch::Context& context, const http::Query& form, Presented& out) {
    const std::string* id = form.find("client_id");
    const std::string* secret = form.find("client_secret");
    const std::string* assertion = form.find("client_assertion");
    const std::string* type = form.find("client_assertion_type");
    const bool basic = !context.credentials->authorization.empty();
    if (int{basic} + int{secret != nullptr} + int{assertion != nullptr || type != nullptr} > 1)
        return invalid_request("the client proves itself in more than one way; use one");
    if (basic) {
        if (auto ok = read_basic(*context.credentials, out); !ok) return ok;
        if (id && *id != out.client_id) return invalid_request("client_id is not the client of the Authorization field");
    } else if (assertion || type) {
        if (!assertion || !type) return invalid_request("client_assertion and client_assertion_type go together");
        if (!Assertions::is_type(*type)) return invalid_request("client_assertion_type is not supported");
        out.assertion = *assertion;
        if (id) out.client_id = *id;
        out.method = ClientAuth::private_key_jwt;
    } else {
        if (!id) return invalid_client("no client is named");
        out.client_id = *id;
        if (secret) {
            out.secret = *secret;
            out.method = ClientAuth::client_secret_post;
        }
    }
    if ((out.assertion.empty() || id) && !is_client_id(out.client_id)) return invalid_client("a malformed client_id");
    return {};
}

Result<ProvenClient> ClientAuthenticator::prove(const dispatch::Context& context, const http::Query& form) {
    const std::string_view address = address_of(context.peer);
    Presented presented;
    if (auto ok = read(context, form, presented); !ok) {
        if (ok.error().slug == "invalid_client") denied(context, presented, ok.error());
        return fail(ok.error());
    }
    // Who is guessed at: an assertion that names nobody is guessed at by its address alone.
    if (auto ok = failures_.admit(presented.client_id, address); !ok) {
        if (ok.error().code == Code::exhausted) services_.counters.limited.fetch_add(1, std::memory_order_relaxed);
        return fail(ok.error());
    }
    auto proven = judge(presented, *context.credentials);
    if (proven) {
        services_.counters.proven.at(Counters::index(proven->method)).fetch_add(1, std::memory_order_relaxed);
        return proven;
    }
    if (proven.error().slug == "invalid_client") denied(context, presented, proven.error());
    return proven;
}

Result<ProvenClient> ClientAuthenticator::judge(const Presented& presented, const dispatch::Credentials& credentials) {
    if (!presented.assertion.empty()) {
        auto accepted = assertions_.judge(presented.assertion, presented.client_id);
        if (!accepted) return accepted.error().code == Code::unauthenticated ? invalid_client(accepted.error().internal) : fail(accepted.error());
        return ProvenClient{accepted->client, accepted->method, {}};
    }
    if (presented.method != ClientAuth::none) return judge_secret(presented);
    return judge_bare(presented, credentials);
}

Result<ProvenClient> ClientAuthenticator::judge_secret(const Presented& presented) const {
    // Compared with something in any case: an unknown client takes as long as a known one.
    static const std::vector<std::string> nobodys{sha256_hex(random_token(32))};
    const Client* client = services_.clients.find(presented.client_id);
    const bool usable = client && client->uses(presented.method) && !client->secret_sha256.empty();
    const bool fits = fits_any(usable ? client->secret_sha256 : nobodys, sha256_hex(presented.secret));
    if (!usable || !fits)
        return invalid_client(!client ? "unknown client" : !usable ? "a method that the client is not registered for" : "wrong secret");
    return ProvenClient{client, presented.method, {}};
}

/// Only client_id: the certificate proves the client, or it is a public one.
Result<ProvenClient> ClientAuthenticator::judge_bare(const Presented& presented, const dispatch::Credentials& credentials) const {
    const Client* client = services_.clients.find(presented.client_id);
    if (!client) return invalid_client("unknown client");
    if (client->uses(ClientAuth::tls_client_auth)) {
        if (!credentials.certificate) return invalid_client("no client certificate");
        const auto& peer = *credentials.certificate;
        const bool by_spiffe = !client->spiffe_id.empty() && peer.spiffe_id && equal_constant_time(*peer.spiffe_id, client->spiffe_id);
        const bool by_subject = !client->certificate_subject.empty() && equal_constant_time(peer.certificate.subject, client->certificate_subject);
        auto digest = unhex(peer.certificate.sha256);
        if ((!by_spiffe && !by_subject) || !digest || digest->empty()) return invalid_client("another certificate than the client's");
        return ProvenClient{client, ClientAuth::tls_client_auth, base64url(*digest)};
    }
    if (!client->uses(ClientAuth::none)) return invalid_client("no proof");
    return ProvenClient{client, ClientAuth::none, {}};
}

void ClientAuthenticator::denied(const dispatch::Context& context, const Presented& presented, const Error& error) {
    failures_.add(presented.client_id, address_of(context.peer));
    services_.counters.failed.at(Counters::index(presented.method)).fetch_add(1, std::memory_order_relaxed);
    // Only names that the operator gave leave a row: strangers could fill the disk with theirs.
    const Client* client = services_.clients.find(presented.client_id);
    if (!client) return;
    ledger::SecurityEvent event;
    event.kind = "client.denied";
    event.actor = client->id;
    event.target = context.path;
    event.outcome = "denied";
    event.request_id = context.request_id;
    event.details = json::object(
        {{"method", std::string(name_of(presented.method))}, {"cause", error.internal}, {"address", std::string(address_of(context.peer))}});
    services_.security.note(std::move(event));
}

}  // namespace acp::auth
