// json: JSON pointers (RFC 6901).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "json/json.h"

namespace acp::json {

/// `pointer` extended by one reference token, escaped.
std::string child(std::string_view pointer, std::string_view name);
std::string child(std::string_view pointer, std::size_t index);

/// The pointer without its last token; the empty pointer is its own parent.
std::string_view parent(std::string_view pointer) noexcept;

/// The value that `pointer` names inside `root`; nothing when there is none or
/// the pointer is malformed.
std::optional<Var> find(const Var& root, std::string_view pointer);

/// "/server/limits/0" as people write keys: "server.limits[0]".
std::string dotted(std::string_view pointer);

}  // namespace acp::json
