// bundle: a text of YAML against the schema of its kind.
#pragma once

#include <string>
#include <string_view>

#include "config/document.h"
#include "json/schema.h"

namespace acp::bundle {

/// A text embedded in the program as a schema. [any-thread]
json::Schema embedded_schema(std::string_view text);

/// Reads `text` and checks it against `schema`. Every violation is
/// "source:line:column: key a.b: what is wrong"; with one, `value` is not to be
/// used.
config::Document read_document(std::string_view text, const std::string& source, const json::Schema& schema);

/// The Error that carries the document's violations: "WHAT SOURCE has 2 mistakes".
tl::unexpected<Error> mistakes(const std::string& slug, const std::string& what, config::Document document);

}  // namespace acp::bundle
