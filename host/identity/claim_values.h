// identity: values out of a token's claims, wherever an issuer puts them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/json.h"

namespace acp::identity {

/// The claim: a member's name, or a JSON pointer (RFC 6901) when it begins with
/// "/". Nothing when it is missing or null.
std::optional<json::Var> claim_at(const json::Object::Ptr& claims, const std::string& name);

/// The claim's text; `fallback` when it is missing or no string.
std::string claim_text(const json::Object::Ptr& claims, const std::string& name, std::string fallback = {});

/// The words of a string that spaces part (as in `scope`), or the elements of
/// a list of strings. Nothing for any other value.
std::optional<std::vector<std::string>> words_of(const json::Var& value);

}  // namespace acp::identity
