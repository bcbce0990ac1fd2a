// Tokens for tests of the verifier: keys, claims that are good, and proofs.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "jose/private_key.h"
#include "json/json.h"
#include "unit/jose/forge.h"

namespace acp::identity::test {

constexpr std::int64_t kNow = 1'800'000'000;

/// `object` with each member of `change` put in its place; null removes one.
inline json::Object::Ptr with(json::Object::Ptr object, const std::string& change) {
    const json::Object::Ptr members = json::parse_object(change).value();
    for (const auto& [name, value] : *members) {
        if (value.isEmpty())
            object->remove(name);
        else
            object->set(name, value);
    }
    return object;
}

inline std::string digest(std::string_view text) {
    const Sha256 bytes = sha256(text);
    return base64url({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

/// A DPoP proof as it should be, but for the changes.
struct Proof {
    const jose::PrivateKey& key = jose::test::key_for(jose::Algorithm::ES256);
    std::string method = "GET", url = "https://cp.example/manage/runs", token = {};
    std::string header = "{}", claims = "{}";  ///< changes

    std::string text() const {
        auto head =
            json::object({{"typ", std::string("dpop+jwt")}, {"alg", std::string(jose::name_of(key.algorithm()))}});
        // A proof's key has no kid and no use, as RFC 9449 shows it.
        auto jwk = key.public_key().jwk();
        for (const char* name : {"kid", "use", "alg"}) jwk->remove(name);
        head->set("jwk", jwk);
        auto body = json::object({{"jti", random_token(12)}, {"htm", method}, {"htu", url}, {"iat", kNow}});
        if (!token.empty()) body->set("ath", digest(token));
        return jose::test::forge(key, json::dump(with(head, header)), json::dump(with(body, claims)));
    }
};

}  // namespace acp::identity::test
