// flow: application/x-www-form-urlencoded, base64 and the scopes of RFC 6749.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace acp::flow {

using Pairs = std::vector<std::pair<std::string, std::string>>;

std::string form_encoded(std::string_view text);
/// Pairs with an empty value are left out.
std::string form_body(const Pairs& pairs);

/// RFC 4648 section 4, with padding: what Basic credentials are.
std::string base64(std::string_view bytes);

/// The scope-tokens of RFC 6749 section 3.3 in order of name, no one twice; nullopt when one is malformed.
std::optional<std::vector<std::string>> scopes_of(std::string_view text);
std::string joined(const std::vector<std::string>& words);

/// Whether every one of `wanted` is in `allowed`.
bool within(const std::vector<std::string>& wanted, const std::vector<std::string>& allowed);

}  // namespace acp::flow
