// config: values of environment variables inside text.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace acp::config {

using Environment = std::map<std::string, std::string>;

/// Replaces ${NAME} by the variable's value, ${NAME:-text} by its value or,
/// when it is not set or empty, by the text, and $$ by a dollar. The result is
/// not read again. The error says what is wrong and how to mend it; it never
/// shows a value.
tl::expected<std::string, std::string> substitute(std::string_view text, const Environment& environment);

}  // namespace acp::config
