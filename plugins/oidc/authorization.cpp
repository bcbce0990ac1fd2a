#include "oidc/authorization.h"

#include <utility>

#include "oidc/digest.h"
#include "oidc/url.h"

namespace acp::oidc {

using flow::Json;
using flow::Pairs;
using flow::text;

namespace {

/// A request_uri goes into a query: what could end its parameter there is none.
bool is_request_uri(const std::string& uri) {
    return !uri.empty() && uri.size() <= 1024 &&
           uri.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/?%=+@") == std::string::npos;
}

Pairs request_of(const Provider& provider, const Login& login, const std::string& redirect_uri, const std::string& state) {
    Pairs out = {{"response_type", "code"},
                 {"client_id", provider.credentials.client_id},
                 {"redirect_uri", redirect_uri},
                 {"scope", provider.scopes},
                 {"state", state},
                 {"nonce", login.nonce},
                 {"code_challenge", challenge_of(login.verifier)},
                 {"code_challenge_method", "S256"}};
    if (!provider.audience.empty()) out.emplace_back(provider.kind == Kind::auth0 ? "audience" : "resource", provider.audience);
    if (login.acr.empty()) return out;
    const std::string value = provider.acr_value(login.acr);
    if (provider.kind == Kind::entra) {
        // Entra has authentication contexts in place of acr_values, asked for as a claim.
        const Json wanted = {{"id_token", {{"acrs", {{"essential", true}, {"value", value}}}}}};
        out.emplace_back("claims", wanted.dump());
    } else {
        out.emplace_back("acr_values", value);
    }
    return out;
}

std::string pushed(const sdk::Call& call, const BackChannel& back_channel, const Provider& provider, const Metadata& metadata,
                   Pairs request) {
    // The client names itself by its proof where that has a client_id.
    if (metadata.client_auth != flow::Credentials::By::secret_basic)
        std::erase_if(request, [](const auto& pair) { return pair.first == "client_id"; });
    const sdk::HttpReply reply = back_channel.post(call, provider, metadata.client_auth, metadata.par_endpoint, std::move(request));
    if (reply.status != 200 && reply.status != 201) fail_for(provider, reply);
    const std::string uri = is_json(reply) ? text(flow::object_or_null(reply.body), "request_uri") : std::string();
    if (!is_request_uri(uri))
        throw sdk::Failure(ACP_E_PROVIDER, "the identity provider " + provider.id + " takes a pushed request and gives no request_uri for it");
    return uri;
}

}  // namespace

Login Login::fresh(const Provider& provider, std::string return_to) {
    return {provider.id, fresh_secret(), fresh_secret(), std::move(return_to), {}, {}};
}

std::string Login::json() const {
    return Json{{"provider", provider}, {"verifier", verifier}, {"nonce", nonce}, {"return_to", return_to}, {"acr", acr}, {"session", session}}.dump();
}

std::optional<Login> Login::from(const std::string& json) {
    const Json kept = flow::object_or_null(json);
    Login out{text(kept, "provider"), text(kept, "verifier"), text(kept, "nonce"), text(kept, "return_to"), text(kept, "acr"), text(kept, "session")};
    if (out.provider.empty() || out.verifier.empty() || out.nonce.empty() || !is_local(out.return_to)) return std::nullopt;
    return out;
}

std::string authorization_url(const sdk::Call& call, const BackChannel& back_channel, const Provider& provider,
                              const Metadata& metadata, const Login& login, const std::string& redirect_uri,
                              const std::string& state, const Pairs& more) {
    Pairs request = request_of(provider, login, redirect_uri, state);
    request.insert(request.end(), more.begin(), more.end());
    if (provider.use_par == UsePar::always && metadata.par_endpoint.empty())
        throw sdk::Failure(ACP_E_PROVIDER, "the identity provider " + provider.id + " takes no pushed requests, and use_par is always");
    if (provider.use_par == UsePar::never && metadata.needs_par)
        throw sdk::Failure(ACP_E_PROVIDER, "the identity provider " + provider.id + " takes pushed requests only, and use_par is never");
    if (provider.use_par == UsePar::never || metadata.par_endpoint.empty())
        return with_query(metadata.authorization_endpoint, flow::form_body(request));
    const std::string uri = pushed(call, back_channel, provider, metadata, std::move(request));
    return with_query(metadata.authorization_endpoint,
                      flow::form_body({{"client_id", provider.credentials.client_id}, {"request_uri", uri}}));
}

}  // namespace acp::oidc
