// auth: lists in the claims of a token and in forms.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "json/json.h"

namespace acp::auth {

/// `aud`: a string or a list of strings; empty when it is anything else.
std::vector<std::string> audiences_of(const json::Object::Ptr& claims);

/// The words of a list in one string, as in RFC 6749 section 3.3.
std::vector<std::string> words_of(std::string_view text);
std::string joined(const std::vector<std::string>& words);

/// A list of strings; other elements are left out.
std::vector<std::string> texts_of(const json::Object::Ptr& claims, const std::string& name);

bool holds(const std::vector<std::string>& list, std::string_view wanted) noexcept;

}  // namespace acp::auth
