// identity: the keys that this server signs with, kept in a folder, replaced
// one by another with an overlap in which both are published.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "jose/compact.h"
#include "jose/key_set.h"
#include "jose/private_key.h"

namespace acp::identity {

class Keyring {
public:
    /// Every `signing-*.pem` of the folder (mode 0700, files 0600; a file that
    /// others may read is refused). Without any, `signing-es256.pem` is made; two
    /// processes that start at once end up with the same one. The newest by
    /// modification time signs, once it is `settle_s` old or the only one: until
    /// then others may not have fetched it.
    static Result<std::shared_ptr<Keyring>> open(const std::filesystem::path& folder, std::int64_t settle_s = 600);

    /// Reads the folder again: after a rotation, on SIGHUP. Keeps what it has when
    /// that fails. [any-thread]
    Result<void> reload();
    /// Writes a fresh key beside the others and reads it in. Older ones go when
    /// they have not signed for `keep_s`. [any-thread] [may-block]
    Result<void> rotate(jose::Algorithm algorithm, std::int64_t keep_s);

    /// A compact JWS by the key in force. [any-thread]
    Result<std::string> sign(std::string_view typ, const std::string& payload_json) const;
    /// Whether one of the published keys signed it. [any-thread]
    bool signed_here(const jose::Compact& token) const;
    /// What /auth/jwks publishes. [any-thread]
    std::shared_ptr<const jose::KeySet> published() const;
};

}  // namespace acp::identity
