#include "json.h"

#include <Poco/JSON/Parser.h>
#include <Poco/JSON/Stringifier.h>

#include <sstream>
#include <stdexcept>

namespace acp::docker::json {

namespace {

constexpr std::size_t kDepthMax = 64;

Var parse(const std::string& text) {
    try {
        Poco::JSON::Parser parser;
        parser.setDepth(kDepthMax);
        return parser.parse(text);
    } catch (const Poco::Exception&) {
        throw std::invalid_argument("the text is no well-formed JSON");
    }
}

bool is_object(const Var& value) {
    return value.type() == typeid(Object::Ptr);
}

}  // namespace

Object::Ptr parse_object(const std::string& text) {
    const Var value = parse(text);
    if (!is_object(value)) throw std::invalid_argument("the JSON text is no object");
    return value.extract<Object::Ptr>();
}

Array::Ptr parse_array(const std::string& text) {
    const Var value = parse(text);
    if (value.type() != typeid(Array::Ptr)) throw std::invalid_argument("the JSON text is no array");
    return value.extract<Array::Ptr>();
}

Object::Ptr object() {
    return new Object(Poco::JSON_PRESERVE_KEY_ORDER);
}
Array::Ptr array() {
    return new Array;
}

std::string dump(const Var& value) {
    std::ostringstream out;
    Poco::JSON::Stringifier::stringify(value, out);
    return out.str();
}

std::string text(const Object::Ptr& object, const std::string& name) {
    const Var value = object->get(name);
    return value.isString() ? value.extract<std::string>() : std::string();
}

std::int64_t integer(const Object::Ptr& object, const std::string& name, std::int64_t fallback) {
    const Var value = object->get(name);
    if (value.isEmpty() || !value.isNumeric() || value.isBoolean()) return fallback;
    try {
        return value.convert<Poco::Int64>();
    } catch (const Poco::Exception&) {
        return fallback;  // out of range
    }
}

bool boolean(const Object::Ptr& object, const std::string& name) {
    const Var value = object->get(name);
    return value.isBoolean() && value.extract<bool>();
}

Object::Ptr child(const Object::Ptr& parent, const std::string& name) {
    Object::Ptr found = parent->getObject(name);
    return found ? found : object();
}

Array::Ptr list(const Object::Ptr& object, const std::string& name) {
    Array::Ptr found = object->getArray(name);
    return found ? found : array();
}

std::vector<std::string> texts(const Object::Ptr& object, const std::string& name) {
    std::vector<std::string> out;
    const Array::Ptr values = list(object, name);
    for (const Var& value : *values)
        if (value.isString()) out.push_back(value.extract<std::string>());
    return out;
}

Pairs pairs(const Object::Ptr& object, const std::string& name) {
    Pairs out;
    const Object::Ptr members = child(object, name);
    for (const auto& [key, value] : *members)
        if (value.isString()) out.emplace_back(key, value.extract<std::string>());
    return out;
}

Array::Ptr array_of(const std::vector<std::string>& values) {
    Array::Ptr out = array();
    for (const auto& value : values) out->add(value);
    return out;
}

Object::Ptr object_of(const Pairs& values) {
    Object::Ptr out = object();
    for (const auto& [name, value] : values) out->set(name, value);
    return out;
}

Var merge_patch(const Var& target, const Var& patch) {
    if (!is_object(patch)) return patch;
    Object::Ptr result = object();
    if (is_object(target))
        for (const auto& [name, value] : *target.extract<Object::Ptr>()) result->set(name, value);
    for (const auto& [name, value] : *patch.extract<Object::Ptr>()) {
        if (value.isEmpty()) {
            result->remove(name);
        } else {
            result->set(name, merge_patch(result->get(name), value));
        }
    }
    return result;
}

}  // namespace acp::docker::json
