// identity: the control plane's own ES256 key (RFC 7518 section 3.4), made at
// first start and kept in the data directory.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include <Poco/Crypto/ECKey.h>
#include <Poco/SharedPtr.h>

#include "base/result.h"

namespace acp::identity {

class SigningKey {
public:
    /// Reads `<directory>/signing-es256.pem`, or makes it (mode 0600, folder
    /// 0700). Two processes that start at once end up with the same key.
    /// Refuses a key file that others may read.
    static Result<SigningKey> load_or_create(const std::filesystem::path& directory);

    /// RFC 7638 thumbprint of the public key.
    const std::string& kid() const noexcept { return kid_; }
    /// Header `{"alg":"ES256","kid":..,"typ":..}`; `payload_json` is an object.
    Result<std::string> sign(std::string_view typ, const std::string& payload_json) const;
    /// `signature` is the raw 64-byte R || S of `signed_text`. [any-thread]
    bool verify(std::string_view signed_text, std::string_view signature) const;

private:
    explicit SigningKey(Poco::SharedPtr<Poco::Crypto::ECKey> key);
    Poco::SharedPtr<Poco::Crypto::ECKey> key_;
    std::shared_ptr<struct evp_pkey_st> pkey_;
    std::string kid_;
};

}  // namespace acp::identity
