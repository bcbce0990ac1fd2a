// docker: reading and writing JSON with Poco, without surprises.
#pragma once

#include <Poco/Dynamic/Var.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace acp::docker::json {

using Object = Poco::JSON::Object;
using Array = Poco::JSON::Array;
using Var = Poco::Dynamic::Var;
using Pairs = std::vector<std::pair<std::string, std::string>>;

/// Throws std::invalid_argument without quoting the text, which may hold secrets.
Object::Ptr parse_object(const std::string& text);
Array::Ptr parse_array(const std::string& text);

Object::Ptr object();
Array::Ptr array();
std::string dump(const Var& value);

/// The member, or the fallback when it is missing or of another type.
std::string text(const Object::Ptr& object, const std::string& name);
std::int64_t integer(const Object::Ptr& object, const std::string& name, std::int64_t fallback = 0);
bool boolean(const Object::Ptr& object, const std::string& name);
/// Never null: an empty object or array stands for what is missing.
Object::Ptr child(const Object::Ptr& object, const std::string& name);
Array::Ptr list(const Object::Ptr& object, const std::string& name);
std::vector<std::string> texts(const Object::Ptr& object, const std::string& name);
/// Members that are strings, by name.
Pairs pairs(const Object::Ptr& object, const std::string& name);

Array::Ptr array_of(const std::vector<std::string>& values);
Object::Ptr object_of(const Pairs& values);

/// RFC 7396; the arguments stay as they are.
Var merge_patch(const Var& target, const Var& patch);

}  // namespace acp::docker::json
