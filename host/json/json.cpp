#include "json/json.h"

#include <Poco/JSON/JSONException.h>
#include <Poco/JSON/ParseHandler.h>
#include <Poco/JSON/Parser.h>
#include <Poco/JSON/Stringifier.h>

#include <algorithm>
#include <limits>
#include <set>
#include <sstream>
#include <vector>

#include "base/bytes.h"

namespace acp::json {

namespace {

/// Poco's handler lets a later member overwrite an earlier one of the same
/// name; two readers that pick differently is how checks get bypassed.
class StrictHandler : public Poco::JSON::ParseHandler {
public:
    StrictHandler() : ParseHandler(true) {}
    void startObject() override {
        names_.emplace_back();
        ParseHandler::startObject();
    }
    void endObject() override {
        names_.pop_back();
        ParseHandler::endObject();
    }
    void key(const std::string& name) override {
        if (!names_.back().insert(name).second)
            throw Poco::JSON::JSONException("member name " + quoted(name) + " occurs twice in one object");
        ParseHandler::key(name);
    }
    using ParseHandler::value;
    /// Poco asks for an unsigned number when a signed one does not hold it, and
    /// reads 2^64 to 2^64 + 3 as 0 to 3.
    void value(Poco::UInt64 number) override {
        if (number <= static_cast<Poco::UInt64>(std::numeric_limits<Poco::Int64>::max()))
            throw Poco::JSON::JSONException("a whole number has more than 64 bits");
        ParseHandler::value(number);
    }

private:
    std::vector<std::set<std::string>> names_;
};

void write(std::string& out, const Var& value, bool sorted);

void write_object(std::string& out, const Object& object, bool sorted) {
    std::vector<std::string> names;
    object.getNames(names);
    if (sorted) std::sort(names.begin(), names.end());
    out.push_back('{');
    bool first = true;
    for (const auto& name : names) {
        if (!first) out.push_back(',');
        first = false;
        out += quoted(name);
        out.push_back(':');
        write(out, object.get(name), sorted);
    }
    out.push_back('}');
}

void write_array(std::string& out, const Array& array, bool sorted) {
    out.push_back('[');
    for (std::size_t i = 0; i < array.size(); ++i) {
        if (i > 0) out.push_back(',');
        write(out, array.get(static_cast<unsigned>(i)), sorted);
    }
    out.push_back(']');
}

void write(std::string& out, const Var& value, bool sorted) {
    if (value.isEmpty()) {
        out += "null";
    } else if (value.type() == typeid(Object::Ptr)) {
        write_object(out, *value.extract<Object::Ptr>(), sorted);
    } else if (value.type() == typeid(Object)) {
        write_object(out, value.extract<Object>(), sorted);
    } else if (value.type() == typeid(Array::Ptr)) {
        write_array(out, *value.extract<Array::Ptr>(), sorted);
    } else if (value.type() == typeid(Array)) {
        write_array(out, value.extract<Array>(), sorted);
    } else if (value.isString()) {
        out += quoted(value.extract<std::string>());
    } else if (value.isBoolean()) {
        out += value.convert<bool>() ? "true" : "false";
    } else {
        std::ostringstream text;
        Poco::JSON::Stringifier::stringify(value, text);
        out += text.str();
    }
}

Object::Ptr as_object(const Var& value) {
    if (value.type() == typeid(Object::Ptr)) return value.extract<Object::Ptr>();
    if (value.type() == typeid(Object)) return new Object(value.extract<Object>());
    return {};
}

}  // namespace

Result<Var> parse(std::string_view text, ParseLimits limits) {
    if (text.size() > limits.bytes)
        return fail(Code::too_large, "json_too_large",
                    "the JSON text has " + std::to_string(text.size()) + " bytes, at most " +
                        std::to_string(limits.bytes) + " are taken");
    if (!is_utf8(text)) return fail(Code::invalid, "json_malformed", "the JSON text is not valid UTF-8");
    auto first = text.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) return fail(Code::invalid, "json_malformed", "the JSON text is empty");
    try {
        Poco::SharedPtr<StrictHandler> handler = new StrictHandler;
        Poco::JSON::Parser parser(handler);
        parser.setAllowComments(false);
        parser.setAllowNullByte(false);
        parser.setDepth(static_cast<std::size_t>(limits.depth));
        // Poco's parser takes objects and arrays only; RFC 8259 also has scalars.
        if (text[first] == '{' || text[first] == '[') return Result<Var>(tl::in_place, parser.parse(std::string(text)));
        Var wrapped = parser.parse("[" + std::string(text) + "]");
        Array::Ptr array = wrapped.extract<Array::Ptr>();
        if (array->size() != 1) return fail(Code::invalid, "json_malformed", "more than one JSON value");
        return Result<Var>(tl::in_place, array->get(0));
    } catch (const Poco::Exception& e) {
        std::string detail = e.message().empty() ? e.displayText() : e.message();
        // Poco quotes the byte that it did not expect, which may be a part of a character.
        return fail(Code::invalid, "json_malformed", "malformed JSON: " + repair_utf8(detail));
    }
}

Result<Object::Ptr> parse_object(std::string_view text, ParseLimits limits) {
    auto value = parse(text, limits);
    if (!value) return fail(value.error());
    if (value->type() != typeid(Object::Ptr))
        return fail(Code::invalid, "json_not_an_object", "the JSON text must be an object");
    return value->extract<Object::Ptr>();
}

std::string dump(const Var& value) {
    std::string out;
    write(out, value, false);
    return out;
}

std::string canonical(const Var& value) {
    std::string out;
    write(out, value, true);
    return out;
}

Object::Ptr object(std::initializer_list<std::pair<std::string, Var>> members) {
    Object::Ptr out = new Object(Poco::JSON_PRESERVE_KEY_ORDER);
    for (const auto& [name, value] : members) out->set(name, value);
    return out;
}

Array::Ptr array() {
    return new Array;
}

std::string text_or(const Object::Ptr& object, const std::string& name, std::string fallback) {
    if (object.isNull() || !object->has(name)) return fallback;
    Var value = object->get(name);
    return value.isString() ? value.extract<std::string>() : fallback;
}

std::string quoted(std::string_view text) {
    std::string out;
    out.reserve(text.size() + 2);
    append_quoted(out, text);
    return out;
}

void append_quoted(std::string& out, std::string_view text) {
    out.push_back('"');
    std::size_t done = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto c = static_cast<unsigned char>(text[at]);
        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f) continue;
        // What needs no escape goes in one piece.
        out.append(text, done, at - done);
        done = at + 1;
        switch (c) {
            case '"':
                out += "\\\"";
                break;
            case '\\':
                out += "\\\\";
                break;
            case '\n':
                out += "\\n";
                break;
            case '\r':
                out += "\\r";
                break;
            case '\t':
                out += "\\t";
                break;
            default:
                out += "\\u00";
                out += hex(text.substr(at, 1));
        }
    }
    out.append(text, done);
    out.push_back('"');
}

Var merge_patch(const Var& target, const Var& patch) {
    Object::Ptr changes = as_object(patch);
    if (changes.isNull()) return patch;
    Object::Ptr base = as_object(target);
    Object::Ptr out = object();
    if (!base.isNull())
        for (const auto& name : base->getNames()) out->set(name, base->get(name));
    for (const auto& name : changes->getNames()) {
        Var value = changes->get(name);
        if (value.isEmpty())
            out->remove(name);
        else
            out->set(name, merge_patch(out->has(name) ? out->get(name) : Var(), value));
    }
    return out;
}

}  // namespace acp::json
