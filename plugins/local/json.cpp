#include "json.h"

#include <Poco/JSON/Parser.h>
#include <Poco/JSON/Stringifier.h>

#include <algorithm>
#include <sstream>

namespace acp::local {

namespace {

constexpr std::size_t kDepthMax = 32;

template <typename Value>
std::string stringify(const Value& value) {
    std::ostringstream out;
    Poco::JSON::Stringifier::stringify(value, out);
    return out.str();
}

std::string as_string(const Poco::Dynamic::Var& value, const std::string& pointer) {
    if (!value.isString()) throw JsonError(pointer + " must be a string");
    auto text = value.extract<std::string>();
    if (text.find('\0') != std::string::npos) throw JsonError(pointer + " must not hold a NUL character");
    return text;
}

}  // namespace

JsonObject parse_object(const std::string& text) {
    try {
        Poco::JSON::Parser parser;
        parser.setDepth(kDepthMax);
        Poco::Dynamic::Var root = parser.parse(text);
        if (root.type() == typeid(JsonObject)) return root.extract<JsonObject>();
    } catch (const Poco::Exception&) {
        // Poco's text quotes the document, which may hold secrets.
        throw JsonError("the document is no well-formed JSON, or nested deeper than 32 levels");
    }
    throw JsonError("the document must be a JSON object");
}

std::string to_text(const Poco::JSON::Object& object) {
    return stringify(Poco::Dynamic::Var(object));
}
std::string to_text(const Poco::JSON::Array& array) {
    return stringify(Poco::Dynamic::Var(array));
}

std::string Reader::string(const char* name) const {
    if (!has(name)) throw JsonError(pointer(name) + " is missing");
    return as_string(object_.get(name), pointer(name));
}

std::string Reader::string_or(const char* name, std::string fallback) const {
    return has(name) ? string(name) : std::move(fallback);
}

std::int64_t Reader::integer(const char* name, std::int64_t least, std::int64_t most) const {
    if (!has(name)) throw JsonError(pointer(name) + " is missing");
    const auto value = object_.get(name);
    const std::string rule = " must be an integer from " + std::to_string(least) + " to " + std::to_string(most);
    if (!value.isInteger() || value.isBoolean()) throw JsonError(pointer(name) + rule);
    try {
        const auto number = value.convert<Poco::Int64>();
        if (number >= least && number <= most) return number;
    } catch (const Poco::Exception&) {
        // Too large for 64 bits: the same message.
    }
    throw JsonError(pointer(name) + rule);
}

std::int64_t Reader::integer_or(const char* name, std::int64_t fallback, std::int64_t least, std::int64_t most) const {
    return has(name) ? integer(name, least, most) : fallback;
}

double Reader::number_or(const char* name, double fallback, double least, double most) const {
    if (!has(name)) return fallback;
    const auto value = object_.get(name);
    if (value.isNumeric() && !value.isBoolean()) {
        const double number = value.convert<double>();
        if (number >= least && number <= most) return number;
    }
    std::ostringstream rule;
    rule << pointer(name) << " must be a number from " << least << " to " << most;
    throw JsonError(rule.str());
}

bool Reader::boolean(const char* name) const {
    if (!has(name) || !object_.get(name).isBoolean()) throw JsonError(pointer(name) + " must be true or false");
    return object_.get(name).extract<bool>();
}

std::vector<std::string> Reader::strings(const char* name) const {
    auto array = object_.getArray(name);
    if (!array) throw JsonError(pointer(name) + " must be an array of strings");
    std::vector<std::string> out;
    for (std::size_t i = 0; i < array->size(); ++i)
        out.push_back(as_string(array->get(static_cast<unsigned>(i)), pointer(name) + "/" + std::to_string(i)));
    return out;
}

std::vector<std::string> Reader::strings_or_none(const char* name) const {
    return has(name) ? strings(name) : std::vector<std::string>();
}

StringPairs Reader::pairs_or_none(const char* name) const {
    StringPairs out;
    if (!has(name)) return out;
    const auto map = object(name);
    for (const auto& [key, value] : *map) out.emplace_back(key, as_string(value, pointer(name) + "/" + key));
    return out;
}

JsonObject Reader::object(const char* name) const {
    auto value = object_.getObject(name);
    if (!value) throw JsonError(pointer(name) + " must be an object");
    return value;
}

Poco::JSON::Array::Ptr Reader::array_or_none(const char* name) const {
    if (!has(name)) return new Poco::JSON::Array;
    auto value = object_.getArray(name);
    if (!value) throw JsonError(pointer(name) + " must be an array");
    return value;
}

void Reader::only(std::initializer_list<const char*> known) const {
    for (const auto& [key, value] : object_) {
        const bool found = std::any_of(known.begin(), known.end(), [&k = key](const char* name) { return k == name; });
        if (found) continue;
        std::string list;
        for (const char* name : known) list += (list.empty() ? "" : ", ") + std::string(name);
        throw JsonError(pointer(key) + " is not known here; known are: " + list);
    }
}

Poco::JSON::Array::Ptr to_array(const std::vector<std::string>& strings) {
    Poco::JSON::Array::Ptr array = new Poco::JSON::Array;
    for (const auto& s : strings) array->add(s);
    return array;
}

JsonObject to_object(const StringPairs& pairs) {
    JsonObject object = new Poco::JSON::Object;
    for (const auto& [name, value] : pairs) object->set(name, value);
    return object;
}

}  // namespace acp::local
