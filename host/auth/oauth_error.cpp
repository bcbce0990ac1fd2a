#include "auth/oauth_error.h"

#include <algorithm>
#include <array>

#include "http/problem.h"
#include "json/json.h"
#include "log/log.h"

namespace acp::auth {

namespace {

constexpr auto kKnown = std::to_array<std::string_view>({
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",  // RFC 6749
    "authorization_pending",
    "slow_down",
    "access_denied",
    "expired_token",   // RFC 8628
    "invalid_target",  // RFC 8707
    "invalid_dpop_proof",
    "use_dpop_nonce",                    // RFC 9449
    "unsupported_token_type",            // RFC 7009
    "insufficient_user_authentication",  // RFC 9470
    "interaction_required",
    "server_error",
    "temporarily_unavailable",
});

/// A client that came with the field is told which scheme is meant.
bool tried_basic(const dispatch::Context& context) noexcept {
    return context.credentials && !context.credentials->authorization.empty();
}

}  // namespace

tl::unexpected<Error> refuse(Code code, std::string oauth_code, std::string description, std::string internal) {
    Error e;
    e.code = code;
    e.slug = std::move(oauth_code);
    e.message = std::move(description);
    e.internal = std::move(internal);
    return fail(std::move(e));
}

std::string oauth_code(const Error& error) {
    if (std::find(kKnown.begin(), kKnown.end(), error.slug) != kKnown.end()) return error.slug;
    switch (error.code) {
        case Code::invalid:
        case Code::too_large:
            return "invalid_request";
        case Code::unauthenticated:
            return "invalid_grant";
        case Code::forbidden:
            return "access_denied";
        case Code::exhausted:
        case Code::unavailable:
        case Code::deadline:
        case Code::provider_error:
            return "temporarily_unavailable";
        default:
            return "server_error";
    }
}

std::string description_of(std::string_view text) {
    std::string out(text.substr(0, 512));
    std::replace_if(
        out.begin(), out.end(), [](char c) { return c < 0x20 || c > 0x7e || c == '\\'; }, '?');
    std::replace(out.begin(), out.end(), '"', '\'');
    return out;
}

http::Response uncached_json(int status, std::string body) {
    http::Response response = http::json_response(status, std::move(body));
    response.field("Cache-Control", "no-store").field("Pragma", "no-cache");
    return response;
}

http::Response oauth_problem(const dispatch::Context& context, const Error& error) {
    const std::string code = oauth_code(error);
    const int status = error.code == Code::exhausted ? 429 : status_of(code);
    if (status >= 500 || !error.internal.empty())
        log::warn("auth", "a request to an endpoint was refused",
                  {{"request_id", context.request_id},
                   {"path", context.path},
                   {"code", code},
                   {"cause", error.internal.empty() ? error.message : error.internal}});
    const std::int64_t retry_ms = error.retry_after_ms == 0 && (status == 429 || status == 503) ? 1000 : error.retry_after_ms;
    return oauth_refusal(context, status, code, code == "server_error" ? "the request could not be served" : error.message, retry_ms);
}

http::Response oauth_refusal(const dispatch::Context& context, int status, const std::string& code, std::string_view description,
                             std::int64_t retry_after_ms) {
    http::Response response = uncached_json(status, json::dump(json::object({{"error", code}, {"error_description", description_of(description)}})));
    if (status == 401 && tried_basic(context)) response.field("WWW-Authenticate", R"(Basic realm="alphaswarm-cp", charset="UTF-8")");
    if (retry_after_ms > 0) response.field("Retry-After", std::to_string((retry_after_ms + 999) / 1000));
    return response;
}

int status_of(std::string_view code) noexcept {
    if (code == "invalid_client") return 401;
    if (code == "server_error") return 500;
    return code == "temporarily_unavailable" ? 503 : 400;
}

}  // namespace acp::auth
