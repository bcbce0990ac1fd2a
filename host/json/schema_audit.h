// json: what a schema must satisfy before valijson may read it.
#pragma once

#include <regex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "json/json.h"

namespace acp::json {

using Patterns = std::unordered_map<std::string, std::regex>;

/// Walks every schema reachable from `pointer`. Refuses what valijson would
/// skip in silence (unknown keywords, keywords beside $ref) and what would make
/// it recurse for ever (references that lead back to themselves without
/// stepping into the value). Returns the compiled patterns, by their text.
Result<Patterns> audit_schema(const Var& document, std::string_view pointer);

}  // namespace acp::json
