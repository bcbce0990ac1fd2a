#include "dispatch/challenge.h"

#include "jose/algorithm.h"

namespace acp::dispatch {

namespace {

/// A quoted-string takes neither (RFC 9110 section 5.6.4) as it is.
std::string quotable(std::string text) {
    std::erase_if(text, [](char c) { return c == '"' || c == '\\'; });
    return text;
}

std::string proof_algorithms() {
    std::string out;
    for (const auto algorithm : jose::all_algorithms) out.append(out.empty() ? "" : " ").append(jose::name_of(algorithm));
    return out;
}

}  // namespace

std::string challenge(const Error& error, const Route& route, bool by_dpop, std::int64_t step_up_max_age_s) {
    const std::string& code = error.slug;
    const bool about_proof = code == "invalid_dpop_proof" || code == "use_dpop_nonce";
    std::string value = by_dpop || about_proof ? "DPoP" : "Bearer";
    value += R"( realm="alphaswarm-cp")";
    if (by_dpop || about_proof) value += R"(, algs=")" + proof_algorithms() + "\"";
    if (code == "invalid_token" || about_proof) value += R"(, error=")" + code + R"(", error_description=")" + quotable(error.message) + "\"";
    if (code == "insufficient_scope") value += R"(, error="insufficient_scope", scope=")" + route.scope + "\"";
    if (code == "insufficient_user_authentication")
        value += R"(, error="insufficient_user_authentication", acr_values=")" + route.acr + R"(", max_age=")" + std::to_string(step_up_max_age_s) + "\"";
    return value;
}

}  // namespace acp::dispatch
