#include "jose/compact.h"

#include <utility>

#include "base/bytes.h"

namespace acp::jose {

namespace {

constexpr int most_levels = 8;

tl::unexpected<Error> refused(std::string check) {
    Error e;
    e.code = Code::unauthenticated;
    e.slug = "invalid_token";
    e.message = "the token is invalid";
    e.internal = std::move(check);
    return fail(std::move(e));
}

/// The member as text into `out`; false when it is there and no string.
bool text_member(const json::Object::Ptr& header, const char* name, std::string& out) {
    if (!header->has(name)) return true;
    const json::Var value = header->get(name);
    if (!value.isString()) return false;
    out = value.extract<std::string>();
    return true;
}

}  // namespace

std::string short_type(std::string_view typ) {
    constexpr std::string_view prefix = "application/";
    std::string out = ascii_lower(typ);
    if (out.starts_with(prefix) && out.find('/', prefix.size()) == std::string::npos) out.erase(0, prefix.size());
    return out;
}

Result<Opened> open(std::string_view token) {
    if (token.size() > kMaxTokenBytes) return refused("size");
    const auto first = token.find('.');
    const auto second = first == std::string_view::npos ? first : token.find('.', first + 1);
    if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos)
        return refused("parts");
    const auto header_text = unbase64url(token.substr(0, first));
    const auto claims_text = unbase64url(token.substr(first + 1, second - first - 1));
    auto signature = unbase64url(token.substr(second + 1));
    if (!header_text || !claims_text || !signature) return refused("base64url");

    const json::ParseLimits limits{most_levels, kMaxTokenBytes};
    auto header = json::parse_object(*header_text, limits);
    if (!header) return refused("header: " + header.error().message);
    auto claims = json::parse_object(*claims_text, limits);
    if (!claims) return refused("claims: " + claims.error().message);
    return Opened{std::move(*header), std::move(*claims), token.substr(0, second), std::move(*signature)};
}

Result<Compact> parse(std::string_view token, OwnKey own_key) {
    auto opened = open(token);
    if (!opened) return fail(opened.error());
    const auto& header = opened->header;
    Compact out;
    std::string alg, typ;
    if (!text_member(header, "alg", alg)) return refused("alg");
    const auto algorithm = algorithm_of(alg);
    if (!algorithm) return refused("alg");
    // RFC 7515 section 4.1.11 and RFC 7797: no extension is understood here, so
    // none may be critical, and the payload is always base64url.
    for (const char* name : {"crit", "b64", "jku", "x5u", "x5c"})
        if (header->has(name)) return refused(name);
    if (own_key == OwnKey::refused ? header->has("jwk") : header->getObject("jwk").isNull()) return refused("jwk");
    if (!text_member(header, "kid", out.kid) || (header->has("kid") && !is_kid(out.kid))) return refused("kid");
    if (!text_member(header, "typ", typ)) return refused("typ");
    if (opened->signature.empty()) return refused("signature");

    out.algorithm = *algorithm;
    out.typ = short_type(typ);
    out.header = header;
    out.claims = std::move(opened->claims);
    out.signed_text = opened->signed_text;
    out.signature = std::move(opened->signature);
    return out;
}

}  // namespace acp::jose
