// jose: a JWK Set (RFC 7517 section 5).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "jose/public_key.h"

namespace acp::jose {

class KeySet {
public:
    /// Keys that are of no use here (unknown type, encryption) are left out, as
    /// section 5 says; a malformed key of a known type, or two of one `kid` and
    /// algorithm, make the set wrong. At most 64 keys.
    static Result<KeySet> parse(std::string_view text);
    explicit KeySet(std::vector<PublicKey> keys = {}) : keys_(std::move(keys)) {}

    /// By `kid`; with an empty one the only key that fits, if there is one only.
    const PublicKey* find(std::string_view kid, Algorithm algorithm) const noexcept;
    const std::vector<PublicKey>& keys() const noexcept { return keys_; }
    /// {"keys":[..]}, public members alone.
    std::string json() const;

private:
    std::vector<PublicKey> keys_;
};

}  // namespace acp::jose
