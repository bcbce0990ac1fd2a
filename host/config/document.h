// config: the tree of a YAML text as JSON, with the origin of every value.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "config/origins.h"
#include "config/substitute.h"
#include "config/yaml.h"
#include "json/json.h"

namespace acp::config {

/// A configuration while it is put together.
struct Document {
    json::Var value;
    Origins origins;
    std::vector<Violation> violations;
    /// Values that could not be read. They are null in `value`, and whether
    /// null is right there says nothing.
    std::set<std::string, std::less<>> unread;

    void refuse(const std::string& pointer, std::string_view what) {
        violations.push_back(locate(origins.at(pointer), pointer, what));
    }
};

/// Reads the text of a file as a whole configuration. Scalars get their type by the core schema of YAML 1.2: plain ones
/// only, so "yes" and quoted values are strings. Merge keys (<<) are merged; a key twice in one map is refused.
/// `environment` is substituted into scalars.
json::Var read_file_text(std::string_view text, const std::string& file, const Environment& environment,
                         Document& document);

/// As read_file_text without substitution, for files that are no configuration: a dollar is a dollar.
json::Var read_plain_text(std::string_view text, const std::string& file, Document& document);

/// As read_file_text for a value that comes from elsewhere, without lines and
/// without substitution.
json::Var read_override(std::string_view text, const std::string& source, const std::string& pointer,
                        Document& document);

}  // namespace acp::config
