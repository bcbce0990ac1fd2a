#include "identity/foreign.h"

#include <algorithm>

namespace acp::identity {

Result<Times> check_foreign(const jose::Compact& token, const ForeignRules& rules, KeySources& sources,
                            std::int64_t now) {
    if (std::find(rules.algorithms.begin(), rules.algorithms.end(), token.algorithm) == rules.algorithms.end())
        return invalid_token("alg not allowed");
    if (rules.claims.issuer.empty() || json::text_or(token.claims, "iss") != rules.claims.issuer)
        return invalid_token("iss");
    auto source = sources.at(rules.keys);
    if (!source) return fail(source.error());
    const auto key = (*source)->find(token.kid, token.algorithm);
    if (!key) return fail(key.error());
    if (!token.signed_by(**key)) return invalid_token("signature");
    return check_claims(token, rules.claims, now);
}

}  // namespace acp::identity
