// config: the section `identity` of the checked document as structs.
#pragma once

#include "config/identity.h"
#include "config/section.h"

namespace acp::config {

Identity identity(const Section& section, const Base& base);

/// Puts the SHA-256 of each client's `secret` into its `secret_sha256`, and
/// overwrites the secret. `document` has passed check().
void digest_client_secrets(const json::Var& document);

}  // namespace acp::config
