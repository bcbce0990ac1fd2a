// bundle: the vendor's side of signatures: making keys and signing manifests.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bundle/signature.h"

namespace acp::bundle {

/// An Ed25519 private key from a PEM file that nobody else can read. Blocking.
Result<tls::KeyPtr> read_signing_key(const std::filesystem::path& file);

/// The text of manifest.sig for these bytes of manifest.yaml.
Result<std::string> sign(EVP_PKEY* key, std::string_view manifest);

/// A new key pair as NAME.key (PKCS #8, mode 0600) and NAME.pem (public, with
/// the line that limits it to `prefixes`). Refuses to replace a file. Gives the
/// key's id. Blocking.
Result<std::string> make_key_pair(const std::filesystem::path& name, const std::vector<std::string>& prefixes);

}  // namespace acp::bundle
