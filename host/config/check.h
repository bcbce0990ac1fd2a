// config: what the schema cannot say.
#pragma once

#include "config/document.h"

namespace acp::config {

/// Checks the document against schema.json and for what concerns several keys
/// at once; adds to document.violations. Looks at all it can read, so that one
/// run shows every mistake.
void check(Document& document);

}  // namespace acp::config
