// auth: reading the claims of a token, without converting anything.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/json.h"

namespace acp::auth {

/// A NumericDate as whole seconds (RFC 7519 section 2); nullopt when it is missing, no
/// number, negative or beyond the year 30000.
std::optional<std::int64_t> seconds_of(const json::Object::Ptr& claims, const std::string& name);

/// `aud`: a string or a list of strings; empty when it is anything else.
std::vector<std::string> audiences_of(const json::Object::Ptr& claims);

/// The words of a list in one string, as in RFC 6749 section 3.3.
std::vector<std::string> words_of(std::string_view text);
std::string joined(const std::vector<std::string>& words);

/// A list of strings; other elements are left out.
std::vector<std::string> texts_of(const json::Object::Ptr& claims, const std::string& name);

bool holds(const std::vector<std::string>& list, std::string_view wanted) noexcept;

}  // namespace acp::auth
