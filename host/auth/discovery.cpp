#include "auth/discovery.h"

#include <algorithm>

#include "auth/claims.h"
#include "auth/exchange.h"
#include "http/path.h"
#include "http/problem.h"
#include "jose/algorithm.h"
#include "json/json.h"

namespace acp::auth {

namespace {

/// New keys are published this much before they sign, at least (identity/keyring.h).
constexpr const char* kCached = "public, max-age=300";

json::Array::Ptr list(const std::vector<std::string>& texts) {
    auto out = json::array();
    for (const auto& text : texts) out->add(text);
    return out;
}

json::Array::Ptr algorithms() {
    auto out = json::array();
    for (auto algorithm : jose::all_algorithms) out->add(std::string(jose::name_of(algorithm)));
    return out;
}

json::Array::Ptr client_methods() {
    auto out = json::array();
    for (std::size_t i = 0; i < kClientAuthMethods; ++i) {
        const auto method = static_cast<identity::ClientAuth>(i);
        // Assertions that others vouch for travel as private_key_jwt does (RFC 7523), under no registered name.
        if (method == identity::ClientAuth::jwt_svid || method == identity::ClientAuth::kubernetes) continue;
        out->add(std::string(name_of(method)));
    }
    return out;
}

}  // namespace

std::string metadata_json(const Settings& settings, const std::vector<plugins::AuthEndpoint>& endpoints) {
    if (!settings.discoverable()) return {};
    std::vector<std::string> grants{std::string(kTokenExchange)};
    for (const auto& endpoint : endpoints)
        if (!endpoint.grant_type.empty() && !holds(grants, endpoint.grant_type)) grants.push_back(endpoint.grant_type);
    std::sort(grants.begin(), grants.end());
    auto out = json::object({{"issuer", settings.issuer},
                             {"jwks_uri", settings.url("/jwks")},
                             {"token_endpoint", settings.url("/token")},
                             {"revocation_endpoint", settings.url("/revoke")},
                             {"introspection_endpoint", settings.url("/introspect")}});
    for (const char* prefix : {"token", "revocation", "introspection"}) {
        out->set(std::string(prefix) + "_endpoint_auth_methods_supported", client_methods());
        out->set(std::string(prefix) + "_endpoint_auth_signing_alg_values_supported", algorithms());
    }
    for (const auto& endpoint : endpoints) {
        if (endpoint.path == "/device/start") out->set("device_authorization_endpoint", settings.url(endpoint.path));
        if (endpoint.path == "/logout") out->set("end_session_endpoint", settings.url(endpoint.path));
    }
    out->set("grant_types_supported", list(grants));
    out->set("response_types_supported", json::array());
    out->set("subject_types_supported", list({"public"}));
    out->set("id_token_signing_alg_values_supported", list({"ES256"}));
    out->set("dpop_signing_alg_values_supported", algorithms());
    out->set("tls_client_certificate_bound_access_tokens", true);
    return json::dump(out);
}

http::Response metadata_response(const Services& services, const std::vector<plugins::AuthEndpoint>& endpoints, const wire::RequestView& request) {
    std::string body = metadata_json(services.settings, endpoints);
    if (body.empty()) {
        Error error;
        error.code = Code::not_found;
        error.slug = "no_discovery";
        error.message = "there is nothing to discover: set identity.issuer to the http or https URL of this server that ends in /auth";
        return http::problem(error, http::split_target(request.target).path, request.request_id);
    }
    http::Response response = http::json_response(200, std::move(body));
    response.field("Cache-Control", kCached);
    response.field("Access-Control-Allow-Origin", "*");
    return response;
}

http::Response keys_response(const Services& services) {
    http::Response response = http::json_response(200, services.keyring.published()->json());
    response.content_type = "application/jwk-set+json";
    response.field("Cache-Control", kCached);
    response.field("Access-Control-Allow-Origin", "*");
    return response;
}

}  // namespace acp::auth
