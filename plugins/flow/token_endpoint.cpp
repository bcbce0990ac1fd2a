#include "flow/token_endpoint.h"

#include <algorithm>
#include <array>

namespace acp::flow {

namespace {

constexpr std::int64_t kIdleMs = 10'000;
constexpr std::size_t kTokenBytes = 32U << 10;

void add_credentials(const sdk::HostIdentity& identity, const sdk::Call& call, const TokenEndpoint& endpoint,
                     sdk::HttpRequest& request, Pairs& params) {
    const Credentials& own = endpoint.credentials;
    if (own.by == Credentials::By::secret_basic) {
        // RFC 6749 section 2.3.1: both halves are form-encoded first.
        request.fields.emplace_back("Authorization",
                                    "Basic " + base64(form_encoded(own.client_id) + ":" + form_encoded(own.client_secret)));
        return;
    }
    params.emplace_back("client_id", own.client_id);
    if (own.by == Credentials::By::secret_post) {
        params.emplace_back("client_secret", own.client_secret);
        return;
    }
    params.emplace_back("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    if (own.by == Credentials::By::held_assertion) {
        params.emplace_back("client_assertion", own.client_secret);
        return;
    }
    params.emplace_back("client_assertion",
                        identity.assertion(call, own.assertion_key, own.client_id,
                                           own.assertion_audience.empty() ? endpoint.url : own.assertion_audience));
}

/// One that is late is as good as one that is away: the client may try again.
sdk::HttpReply answer_of(const sdk::Host& host, const sdk::Call& call, const sdk::HttpRequest& request) {
    try {
        return host.http(call, request);
    } catch (const sdk::Failure& failure) {
        if (failure.status() != ACP_E_DEADLINE) throw;
        throw sdk::Failure(ACP_E_UNAVAILABLE, "the upstream identity provider does not answer in time", true);
    }
}

[[noreturn]] void fail_for(const sdk::HttpReply& reply) {
    const std::string status = std::to_string(reply.status);
    if (reply.status >= 500 || reply.status == 429 || reply.status == 408)
        throw sdk::Failure(ACP_E_UNAVAILABLE, "the upstream identity provider cannot answer now (" + status + ")", true);
    const std::string error = known_error(text(object_or_null(reply.body), "error"));
    throw sdk::Failure(ACP_E_DENIED, "the upstream identity provider refuses (" + status + ", " + error + ")")
        .details(Json{{"upstream_error", error}, {"upstream_status", reply.status}}.dump());
}

Json token_of(const sdk::HttpReply& reply) {
    const Json answer = object_or_null(reply.body);
    const std::string token = text(answer, "access_token"), type = text(answer, "token_type");
    std::string lower = type;
    for (char& c : lower)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    const bool printable = std::all_of(token.begin(), token.end(), [](char c) { return c > 0x20 && c < 0x7f; });
    if (token.empty() || token.size() > kTokenBytes || !printable || lower != "bearer")
        throw sdk::Failure(ACP_E_PROVIDER, "the upstream identity provider's answer is no bearer token");
    Json out = {{"access_token", token}, {"token_type", "Bearer"}};
    // Entra's older endpoints give it as text.
    std::int64_t lives = integer(answer, "expires_in", 0);
    if (const std::string digits = text(answer, "expires_in");
        !digits.empty() && digits.size() <= 9 && digits.find_first_not_of("0123456789") == std::string::npos)
        lives = std::stoll(digits);
    if (lives > 0) out["expires_in"] = lives;
    if (const std::string scope = text(answer, "scope"); !scope.empty()) out["scope"] = scope;
    return out;
}

}  // namespace

std::string known_error(const std::string& word) {
    // RFC 6749 sections 4.1.2.1 and 5.2, RFC 8707, RFC 9449, RFC 9470, OpenID Connect Core 3.1.2.6.
    static constexpr std::array<std::string_view, 20> kKnown = {
        "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope",
        "invalid_target", "access_denied", "invalid_resource", "interaction_required", "use_dpop_nonce",
        "unsupported_response_type", "server_error", "temporarily_unavailable", "login_required", "consent_required",
        "account_selection_required", "invalid_request_uri", "insufficient_user_authentication",
        "unmet_authentication_requirements"};
    return std::find(kKnown.begin(), kKnown.end(), word) == kKnown.end() ? "another error" : word;
}

std::string checked_url(std::string url, std::string_view where) {
    const auto loopback = [&] {
        for (const std::string_view host : {"http://127.0.0.1", "http://localhost", "http://[::1]"})
            if (url.starts_with(host) && (url.size() == host.size() || url[host.size()] == ':' || url[host.size()] == '/'))
                return true;
        return false;
    };
    const bool plain = std::all_of(url.begin(), url.end(), [](char c) { return c > 0x20 && c < 0x7f; });
    const bool https = url.starts_with("https://") && url.size() > 8 && url[8] != '/';
    if (!plain || (!https && !loopback()) || url.find_first_of("@#\\") != std::string::npos)
        throw sdk::Failure(ACP_E_INVALID,
                           std::string(where) + " is no https address (http is for loopback), or has more than scheme, host and path");
    while (url.ends_with('/')) url.pop_back();
    return url;
}

sdk::HttpReply post_form(const sdk::Host& host, const sdk::HostIdentity& identity, const sdk::Call& call,
                         const TokenEndpoint& endpoint, Pairs params) {
    sdk::HttpRequest request;
    request.url = endpoint.url;
    request.method = "POST";
    request.fields = {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}};
    request.idle_timeout_ms = kIdleMs;
    request.max_body_bytes = endpoint.answer_bytes;
    request.tls.ca_file = endpoint.ca_file;
    add_credentials(identity, call, endpoint, request, params);
    request.body = form_body(params);
    return answer_of(host, call, request);
}

Json ask_for_token(const sdk::Host& host, const sdk::HostIdentity& identity, const sdk::Call& call,
                   const TokenEndpoint& endpoint, Pairs params) {
    const sdk::HttpReply reply = post_form(host, identity, call, endpoint, std::move(params));
    if (reply.status != 200) fail_for(reply);
    return token_of(reply);
}

sdk::Decision refusal_of(const sdk::Failure& failure) {
    if (failure.status() != ACP_E_DENIED) throw failure;
    const std::string error = text(object_or_null(failure.details_json()), "upstream_error");
    if (error.empty()) throw failure;
    const bool scope = error == "invalid_scope", target = error == "invalid_target" || error == "invalid_resource";
    return sdk::Decision::refuse(scope ? "invalid_scope" : target ? "invalid_target" : "invalid_grant", failure.message())
        .audit(Json{{"upstream_error", error}}.dump());
}

}  // namespace acp::flow
