// redact: name-value pairs written inside a text.
#pragma once

#include <string_view>

#include "redact/spans.h"

namespace acp::redact {

/// Adds the values of secret names in `text`: `PASSWORD=x`, `"token": "x"`,
/// `Authorization: Bearer x`, `--password=x`, `--password x`, `?sig_token=x`.
/// After a bare `name: ` a word of lower-case letters alone stays, so that
/// prose ("invalid token: expired") can be read. Linear in the length of `text`.
void find_assignments(std::string_view text, Spans& out);

}  // namespace acp::redact
