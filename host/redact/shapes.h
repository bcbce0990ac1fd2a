// redact: secrets that can be told by their looks, in one pass over the text.
#pragma once

#include <string_view>

#include "redact/spans.h"

namespace acp::redact {

/// Adds the ranges of `text` that look like a secret: JWTs, PEM private keys
/// (also base64 of one), AWS access key ids and the secret keys beside them,
/// credentials after a Bearer or Basic scheme, passwords in URLs, and tokens
/// with a vendor's prefix. Linear in the length of `text`.
void find_shapes(std::string_view text, Spans& out);

}  // namespace acp::redact
