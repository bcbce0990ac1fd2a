// tls: certificates and keys from PEM files (RFC 7468).
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tls/handle.h"

namespace acp::tls {

/// Every certificate of the file in its order, at least one. `role` begins the
/// message of an error, e.g. "certificate file". Blocking.
Result<std::vector<CertificatePtr>> read_certificates(const std::filesystem::path& file, std::string_view role);

/// The first private key of the file. Refused unless only the server's user
/// can read it, or root owns it and lets one group read it. Never asks for a
/// passphrase. Blocking.
Result<KeyPtr> read_key(const std::filesystem::path& file);

}  // namespace acp::tls
