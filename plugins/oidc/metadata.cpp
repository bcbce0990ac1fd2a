#include "oidc/metadata.h"

#include <algorithm>
#include <chrono>

#include "oidc/url.h"

namespace acp::oidc {

using flow::Credentials;
using flow::Json;
using flow::text;

namespace {

constexpr std::int64_t kKeepSeconds = 600;
constexpr std::int64_t kStaleSeconds = 86'400;
constexpr std::int64_t kRetrySeconds = 2;
constexpr std::chrono::seconds kFlight{10};

[[noreturn]] void unfit(const Provider& provider, const std::string& what) {
    throw sdk::Failure(ACP_E_PROVIDER, "the metadata of the identity provider " + provider.id + " " + what);
}

std::string endpoint_of(const Provider& provider, const Json& document, const char* name, bool needed = false) {
    std::string url = text(document, name);
    if (url.empty()) {
        if (needed) unfit(provider, std::string("lack ") + name);
        return url;
    }
    const auto origin = origin_of(url), home = origin_of(provider.issuer);
    const auto& others = provider.other_origins;
    // Plain http can only be the issuer's own origin, which is loopback then.
    if (!origin || (origin != home && std::find(others.begin(), others.end(), *origin) == others.end()))
        unfit(provider, std::string("have a ") + name + " that is not at the issuer's origin, nor at one of other_origins");
    return url;
}

bool flag(const Json& document, const char* name) {
    const auto at = document.find(name);
    return at != document.end() && at->is_boolean() && at->get<bool>();
}

Credentials::By client_auth_of(const Provider& provider, const Json& document) {
    const Credentials::By own = provider.credentials.by;
    if (own == Credentials::By::assertion || provider.method_given) return own;
    // RFC 8414 section 2: client_secret_basic when nothing is said.
    const auto offered = flow::texts(document, "token_endpoint_auth_methods_supported");
    if (offered.empty() || flow::within({"client_secret_basic"}, offered)) return Credentials::By::secret_basic;
    if (flow::within({"client_secret_post"}, offered)) return Credentials::By::secret_post;
    unfit(provider, "offer no way to use a client_secret");
}

std::string address_of(const Provider& provider) {
    std::string base = provider.issuer;
    if (base.ends_with('/')) base.pop_back();
    return base + "/.well-known/openid-configuration";
}

}  // namespace

Metadata read_metadata(const Provider& provider, const Json& document) {
    if (text(document, "issuer") != provider.issuer) unfit(provider, "are those of another issuer");
    Metadata out;
    out.authorization_endpoint = endpoint_of(provider, document, "authorization_endpoint", true);
    out.token_endpoint = endpoint_of(provider, document, "token_endpoint", true);
    out.jwks_uri = endpoint_of(provider, document, "jwks_uri", true);
    out.par_endpoint = endpoint_of(provider, document, "pushed_authorization_request_endpoint");
    out.revocation_endpoint = endpoint_of(provider, document, "revocation_endpoint");
    out.end_session_endpoint = endpoint_of(provider, document, "end_session_endpoint");
    out.client_auth = client_auth_of(provider, document);
    out.names_issuer = flag(document, "authorization_response_iss_parameter_supported");
    out.needs_par = flag(document, "require_pushed_authorization_requests");
    return out;
}

MetadataCache::MetadataCache(const sdk::Host& host, const BackChannel& back_channel, const std::vector<Provider>& providers)
    : host_(host), back_channel_(back_channel) {
    for (const Provider& provider : providers) entries_.try_emplace(provider.id);
}

MetadataPtr MetadataCache::of(const sdk::Call& call, const Provider& provider) {
    Entry& entry = entries_.at(provider.id);
    std::unique_lock lock(entry.mutex);
    if (!entry.landed.wait_for(lock, kFlight, [&] { return !entry.fetching; }))
        throw sdk::Failure(ACP_E_UNAVAILABLE, "the identity provider " + provider.id + " does not answer in time", true);
    const std::int64_t now = unix_now_s(host_);
    const std::int64_t age = now - entry.known_s;
    if (entry.known && age >= 0 && age < kKeepSeconds) return entry.known;
    if (entry.failed_with != ACP_OK && now - entry.failed_s >= 0 && now - entry.failed_s < kRetrySeconds)
        return known_or_fail(provider, entry, now);
    entry.fetching = true;
    lock.unlock();
    return fetched(call, provider, entry);
}

MetadataPtr MetadataCache::fetched(const sdk::Call& call, const Provider& provider, Entry& entry) {
    MetadataPtr fresh;
    acp_status status = ACP_E_INTERNAL;
    std::string message = "the identity provider " + provider.id + " cannot be asked";
    try {
        fresh = std::make_shared<const Metadata>(read_metadata(provider, back_channel_.get(call, address_of(provider), provider.ca_file)));
    } catch (const sdk::Failure& failure) {
        status = failure.status();
        message = failure.message();
    } catch (...) {
        // The flight has to land whatever happened.
    }
    const std::lock_guard lock(entry.mutex);
    entry.fetching = false;
    entry.landed.notify_all();
    const std::int64_t now = unix_now_s(host_);
    if (fresh) {
        entry.known = std::move(fresh);
        entry.known_s = now;
        entry.failed_with = ACP_OK;
        return entry.known;
    }
    // One caller's end is no failure of the provider's: the next one asks for itself.
    if (status == ACP_E_CANCELLED) throw sdk::Failure(status, message);
    entry.failed_s = now;
    entry.failed_with = status;
    entry.failure = message;
    host_.log(ACP_LOG_WARN, "oidc", message);
    return known_or_fail(provider, entry, now);
}

/// With the entry's lock held. Metadata that were replaced by wrong ones are not used any more.
MetadataPtr MetadataCache::known_or_fail(const Provider&, const Entry& entry, std::int64_t now_s) const {
    const bool away = entry.failed_with == ACP_E_UNAVAILABLE;
    if (away && entry.known && now_s - entry.known_s < kStaleSeconds) return entry.known;
    throw sdk::Failure(entry.failed_with, entry.failure, away);
}

}  // namespace acp::oidc
