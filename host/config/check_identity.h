// config: what the schema cannot say about the section `identity`.
#pragma once

#include "config/document.h"

namespace acp::config {

/// Adds to document.violations.
void check_identity(Document& document);

}  // namespace acp::config
