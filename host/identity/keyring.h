// identity: the keys that this server signs with, kept in a folder, replaced
// one by another with an overlap in which both are published.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "identity/key_files.h"
#include "jose/compact.h"
#include "jose/key_set.h"
#include "jose/private_key.h"

namespace acp::identity {

/// What becomes of a key.
enum class KeyStage : std::uint8_t {
    waiting,  ///< published, signs once others have had the time to fetch it
    signing,
    retired,  ///< published, so that what it has signed can be checked
};

struct KeyInfo {
    std::string kid;
    jose::Algorithm algorithm = jose::Algorithm::ES256;
    std::filesystem::path path;
    std::int64_t made_unix_s = 0;
    KeyStage stage = KeyStage::signing;
};

class Keyring {
public:
    /// Every `signing-*.pem` of the folder (mode 0700, files 0600; a file that
    /// others may read is refused). Without any, `signing-es256.pem` is made; two
    /// processes that start at once end up with the same one. The newest by
    /// modification time signs, once it is `settle_s` old, since others may not have
    /// fetched it before; while none is that old, the oldest does.
    static Result<std::shared_ptr<Keyring>> open(const std::filesystem::path& folder, std::int64_t settle_s = 600);

    /// Reads the folder again: after a rotation, on SIGHUP. Keeps what it has when
    /// that fails. [any-thread]
    Result<void> reload();
    /// Writes a fresh key beside the others and reads it in; its kid. Older ones go
    /// when they have not signed for `keep_s`: what they have signed must have
    /// expired by then. [any-thread] [may-block]
    Result<std::string> rotate(jose::Algorithm algorithm, std::int64_t keep_s);

    /// A compact JWS by the key in force. [any-thread]
    Result<std::string> sign(std::string_view typ, const std::string& payload_json) const;
    /// Whether one of the published keys, which it names, signed it. [any-thread]
    bool signed_here(const jose::Compact& token) const;
    /// What /auth/jwks publishes. [any-thread]
    std::shared_ptr<const jose::KeySet> published() const;
    /// The newest first. [any-thread]
    std::vector<KeyInfo> keys() const;

private:
    struct State;
    Keyring(std::filesystem::path folder, std::int64_t settle_s);
    Result<void> read();  ///< with changing_ held
    std::shared_ptr<const State> state() const;
    std::size_t signer(const State& state) const;

    const std::filesystem::path folder_;
    const std::int64_t settle_s_;
    std::mutex changing_;  ///< held while files are read or written
    mutable std::mutex lock_;
    std::shared_ptr<const State> state_;
};

}  // namespace acp::identity
