// json: which of the known names did the writer mean?
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace acp::json {

/// The known name with the fewest single-letter edits (insertion, deletion,
/// exchange, swap of neighbours) from `name`; empty when none is near: at most
/// a third of the letters may differ. Letter case and - versus _ do not count.
std::string nearest(std::string_view name, const std::vector<std::string>& known);

}  // namespace acp::json
