// identity: one spelling for each URL, so that a proof's `htu` can be compared
// with where it was sent (RFC 9449 section 4.3).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace acp::identity {

/// An http or https URL without query and fragment, normalised by syntax and
/// scheme (RFC 3986 sections 6.2.2 and 6.2.3). Nothing for what is no such URL,
/// for user information, and for escapes that are none.
std::optional<std::string> normal_htu(std::string_view url);

}  // namespace acp::identity
