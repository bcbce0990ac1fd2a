#include "jose/key_set.h"

#include <algorithm>
#include <utility>

#include "jose/material.h"

namespace acp::jose {

namespace {

// Providers that add their certificate chains to each key reach some 40 KiB.
constexpr std::size_t most_bytes = 256 * 1024;
constexpr std::size_t most_keys = 64;

/// Whether a token could name either key.
bool clash(const PublicKey& a, const PublicKey& b) {
    return !a.kid().empty() && a.kid() == b.kid() &&
           std::any_of(all_algorithms.begin(), all_algorithms.end(),
                       [&](Algorithm algorithm) { return a.fits(algorithm) && b.fits(algorithm); });
}

}  // namespace

Result<KeySet> KeySet::parse(std::string_view text) {
    auto root = json::parse_object(text, {8, most_bytes});
    if (!root) return invalid_key("json", "the key set is not what it should be: " + root.error().message);
    const json::Var list = (*root)->get("keys");
    if (list.type() != typeid(json::Array::Ptr)) return invalid_key("keys", "the key set has no list keys");
    const auto& entries = *list.extract<json::Array::Ptr>();
    if (entries.size() > most_keys) return invalid_key("count", "the key set has more than 64 keys");
    std::vector<PublicKey> keys;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        auto key = PublicKey::from_jwk(entries.getObject(static_cast<unsigned>(i)));
        if (!key && key.error().slug == "key_unused") continue;
        if (!key)
            return invalid_key(key.error().internal,
                               "key number " + std::to_string(i + 1) + " of the set: " + key.error().message);
        if (std::any_of(keys.begin(), keys.end(), [&](const PublicKey& other) { return clash(other, *key); }))
            return invalid_key("twice", "the key set has two keys of one kid for one algorithm");
        keys.push_back(std::move(*key));
    }
    return KeySet(std::move(keys));
}

const PublicKey* KeySet::find(std::string_view kid, Algorithm algorithm) const noexcept {
    const PublicKey* found = nullptr;
    for (const PublicKey& key : keys_) {
        if ((!kid.empty() && key.kid() != kid) || !key.fits(algorithm)) continue;
        // Of two that fit, neither is better.
        if (found != nullptr) return nullptr;
        found = &key;
    }
    return found;
}

std::string KeySet::json() const {
    auto list = json::array();
    for (const PublicKey& key : keys_) list->add(key.jwk());
    return json::dump(json::object({{"keys", list}}));
}

}  // namespace acp::jose
