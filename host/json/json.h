// json: strict reading, canonical writing and schema checks of JSON values.
// The value type is Poco's; what Poco reads leniently is refused here.
#pragma once

#include <Poco/Dynamic/Var.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace acp::json {

using Var = Poco::Dynamic::Var;
using Object = Poco::JSON::Object;
using Array = Poco::JSON::Array;

struct ParseLimits {
    int depth = 32;
    std::size_t bytes = 1U << 20;
};

/// Parses one JSON text (RFC 8259). Refuses duplicate member names, invalid
/// UTF-8, NUL in strings, comments, trailing text, and whatever exceeds the
/// limits. The error's message tells what and, where known, the position.
Result<Var> parse(std::string_view text, ParseLimits limits = {});
/// As parse, and the text must be an object.
Result<Object::Ptr> parse_object(std::string_view text, ParseLimits limits = {});

/// Compact text; members in order of insertion.
std::string dump(const Var& value);
/// Compact text with members sorted by name, so that equal values give equal
/// bytes: what hashes are taken of.
std::string canonical(const Var& value);

/// A new object from name/value pairs, in that order.
Object::Ptr object(std::initializer_list<std::pair<std::string, Var>> members = {});
Array::Ptr array();

/// The member as text, or `fallback` when missing, null or no string.
std::string text_or(const Object::Ptr& object, const std::string& name, std::string fallback = {});

/// `text` as a JSON string literal, quotes included.
std::string quoted(std::string_view text);
void append_quoted(std::string& out, std::string_view text);

/// RFC 7396 merge patch; neither argument is changed.
Var merge_patch(const Var& target, const Var& patch);

}  // namespace acp::json
