// config: what the schema cannot say.
#pragma once

#include "config/document.h"
#include "json/schema.h"

namespace acp::config {

/// Checks a document of any kind against its schema; adds to
/// document.violations, in the words of people who write YAML.
void check_shape(Document& document, const json::Schema& wanted);

/// Checks the document against schema.json and for what concerns several keys
/// at once; adds to document.violations. Looks at all it can read, so that one
/// run shows every mistake.
void check(Document& document);

}  // namespace acp::config
