// state: what a backend sees instead of keys and values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "state/hmac.h"
#include "state/key_file.h"

namespace acp::state {

/// Kinds of names; a name of one is never that of another.
enum class Kind : char { entry = 'e', counter = 'c', owner = 'o', member = 'm', lock = 'l' };

/// Names are HMAC-SHA-256 of kind, space and key, so that the backend's content
/// is no dictionary of user names or codes. Values are sealed with AES-256-GCM
/// under the name: one that is moved to another name does not open. [any-thread]
class Seal {
public:
    explicit Seal(const KeySet& keys);

    /// `space`, a colon and the digest in base64url. `of` is the owner's key of a member.
    std::string name(Kind kind, std::string_view space, std::string_view key, std::string_view of = {}) const;

    /// Format 1: the byte 1, four bytes that tell the key, a random nonce of 96
    /// bits, the ciphertext, a tag of 128 bits. Each name has a key of its own, so
    /// that the bound on random nonces (2^32, SP 800-38D section 8.3) is for one
    /// name and not for all.
    std::string seal(std::string_view name, std::string_view value) const;
    /// The error's message says why, for the log.
    Result<std::string> open(std::string_view name, std::string_view sealed) const;

private:
    struct Key {
        std::string id;
        Hmac per_name;
    };
    std::vector<Key> keys_;  ///< the first seals
    Hmac names_;
};

}  // namespace acp::state
