// What no honest signer makes: tokens with any header and any payload, and keys
// with any member.
#pragma once

#include <string>
#include <string_view>

#include "jose/key_set.h"
#include "jose/private_key.h"
#include "json/json.h"

namespace acp::jose::test {

/// One key for each algorithm, made once.
const PrivateKey& key_for(Algorithm algorithm);

/// header "." payload, both encoded as they stand, signed by the key.
std::string forge(const PrivateKey& key, std::string_view header, std::string_view payload);
/// The signature of any text, as it stands in a token but not encoded.
std::string sign_raw(const PrivateKey& key, std::string_view text);

/// The check at which a token dies, first of its form, then "key" when the set
/// has none for it, then "signature"; "" for a good one.
std::string death_of(std::string_view token, const KeySet& keys);

/// The same for a key and a key set.
std::string death_of_jwk(std::string_view text);
std::string death_of_set(std::string_view text);

}  // namespace acp::jose::test
