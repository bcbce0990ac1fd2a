#include "json/schema_audit.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "json/nearest.h"
#include "json/pointer.h"

namespace acp::json {

namespace {

constexpr std::size_t longest_pattern = 1024;
/// libstdc++'s other matcher: it keeps a set of states instead of trying ways
/// one after the other, so that a client's string can neither make the time
/// explode nor the recursion overflow the stack. Back references are refused.
constexpr auto bounded_matching = std::regex_constants::__polynomial;
/// Schemas one inside the other, references followed.
constexpr int deepest = 64;

/// What a keyword's value holds. "Same" means that the inner schema judges the
/// same value, "part" a member or element of it.
enum class Holds {
    anything,
    type,
    names,
    values,
    count,
    number,
    flag,
    pattern,
    same_schema,
    same_list,
    part_schema,
    part_map,
    pattern_map
};

const std::map<std::string, Holds, std::less<>>& keywords() {
    static const std::map<std::string, Holds, std::less<>> table = {
        {"type", Holds::type},
        {"enum", Holds::values},
        {"const", Holds::anything},
        {"required", Holds::names},
        {"uniqueItems", Holds::flag},
        {"minLength", Holds::count},
        {"maxLength", Holds::count},
        {"minItems", Holds::count},
        {"maxItems", Holds::count},
        {"minProperties", Holds::count},
        {"maxProperties", Holds::count},
        {"minimum", Holds::number},
        {"maximum", Holds::number},
        {"exclusiveMinimum", Holds::number},
        {"exclusiveMaximum", Holds::number},
        {"pattern", Holds::pattern},
        {"not", Holds::same_schema},
        {"allOf", Holds::same_list},
        {"anyOf", Holds::same_list},
        {"oneOf", Holds::same_list},
        {"items", Holds::part_schema},
        {"additionalProperties", Holds::part_schema},
        {"propertyNames", Holds::part_schema},
        {"properties", Holds::part_map},
        {"patternProperties", Holds::pattern_map},
    };
    return table;
}

bool is_annotation(std::string_view name) {
    static constexpr std::array<std::string_view, 16> names = {
        "title", "description", "default",  "examples", "example", "deprecated",   "readOnly",      "writeOnly",
        "$id",   "$schema",     "$comment", "$defs",    "format",  "externalDocs", "discriminator", "definitions"};
    return name.starts_with("x-") || std::find(names.begin(), names.end(), name) != names.end();
}

bool is_number(const Var& value) {
    return value.isNumeric() && !value.isBoolean() && !value.isString();
}

bool is_list_of_names(const Var& value) {
    if (value.type() != typeid(Array::Ptr)) return false;
    const auto& list = *value.extract<Array::Ptr>();
    return std::all_of(list.begin(), list.end(), [](const Var& name) { return name.isString(); });
}

/// The pointer inside a "#..." reference, percent-encoding (RFC 3986) undone.
std::optional<std::string> pointer_of(std::string_view reference) {
    if (!reference.starts_with('#')) return {};
    std::string out;
    for (std::size_t i = 1; i < reference.size(); ++i) {
        if (reference[i] != '%') {
            out.push_back(reference[i]);
            continue;
        }
        auto byte = unhex(reference.substr(i + 1, 2));
        if (!byte || byte->size() != 1) return {};
        out += *byte;
        i += 2;
    }
    return out;
}

class Audit {
public:
    explicit Audit(const Var& document) : document_(document) {}

    /// Empty, or what is wrong and where.
    std::string run(std::string_view pointer) {
        parts_.push_back({std::string(pointer), 0});
        while (!parts_.empty() && wrong_.empty()) {
            auto [next, depth] = parts_.back();
            parts_.pop_back();
            visit(next, depth);
        }
        return wrong_;
    }

    Patterns take_patterns() { return std::move(patterns_); }

private:
    enum class State { open, done };

    void refuse(std::string_view pointer, const std::string& what) {
        if (!wrong_.empty()) return;
        wrong_ = "#";
        wrong_.append(pointer).append(": ").append(what);
    }

    void visit(const std::string& pointer, int depth) {
        auto [state, fresh] = states_.emplace(pointer, State::open);
        if (!fresh) {
            if (state->second == State::open) refuse(pointer, "the schema refers to itself without an end");
            return;
        }
        if (depth > deepest) return refuse(pointer, "schemas are nested too deep");
        auto schema = find(document_, pointer);
        if (!schema) return refuse(pointer, "there is no such schema");
        if (schema->type() == typeid(Object::Ptr))
            visit_keywords(pointer, schema->extract<Object::Ptr>(), depth);
        else if (!schema->isBoolean())
            refuse(pointer, "a schema must be an object or a boolean");
        states_[pointer] = State::done;
    }

    void visit_keywords(const std::string& pointer, const Object::Ptr& schema, int depth) {
        bool reference = schema->has("$ref");
        for (const auto& [name, value] : *schema) {
            if (is_annotation(name)) continue;
            if (name == "$ref") {
                follow(pointer, value, depth);
                continue;
            }
            auto keyword = keywords().find(name);
            if (keyword == keywords().end()) {
                std::vector<std::string> known;
                for (const auto& entry : keywords()) known.push_back(entry.first);
                std::string near = nearest(name, known);
                refuse(pointer, "keyword " + quoted(name) + " is not supported" +
                                    (near.empty() ? "" : "; did you mean " + quoted(near) + "?"));
            } else if (reference) {
                refuse(pointer, "keyword " + quoted(name) + " stands beside $ref; put both into allOf");
            } else {
                enter(child(pointer, name), keyword->second, value, depth + 1);
            }
        }
    }

    void follow(const std::string& pointer, const Var& reference, int depth) {
        if (!reference.isString()) return refuse(pointer, "$ref must be a string");
        auto target = pointer_of(reference.extract<std::string>());
        if (!target) return refuse(pointer, "$ref must begin with #: only this document is read");
        visit(*target, depth + 1);
    }

    void enter(const std::string& pointer, Holds holds, const Var& value, int depth) {
        switch (holds) {
            case Holds::anything:
                return;
            case Holds::type:
                if (!value.isString() && !is_list_of_names(value)) refuse(pointer, "must be a name or a list of names");
                return;
            case Holds::names:
                if (!is_list_of_names(value)) refuse(pointer, "must be a list of names");
                return;
            case Holds::values:
                if (value.type() != typeid(Array::Ptr) || value.extract<Array::Ptr>()->empty())
                    refuse(pointer, "must be a list of values");
                return;
            case Holds::count:
                if (!is_number(value) || !value.isInteger() || value < 0)
                    refuse(pointer, "must be a whole number from 0");
                return;
            case Holds::number:
                if (!is_number(value)) refuse(pointer, "must be a number");
                return;
            case Holds::flag:
                if (!value.isBoolean()) refuse(pointer, "must be a boolean");
                return;
            case Holds::pattern:
                return add_pattern(pointer, value);
            case Holds::same_schema:
                return visit(pointer, depth);
            case Holds::part_schema:
                return parts_.push_back({pointer, depth});
            case Holds::same_list: {
                if (value.type() != typeid(Array::Ptr)) return refuse(pointer, "must be a list of schemas");
                for (std::size_t i = 0; i < value.extract<Array::Ptr>()->size(); ++i) visit(child(pointer, i), depth);
                return;
            }
            case Holds::part_map:
            case Holds::pattern_map: {
                if (value.type() != typeid(Object::Ptr)) return refuse(pointer, "must be an object of schemas");
                for (const auto& [name, part] : *value.extract<Object::Ptr>()) {
                    if (holds == Holds::pattern_map) add_pattern(pointer, name);
                    parts_.push_back({child(pointer, name), depth});
                }
            }
        }
    }

    void add_pattern(const std::string& pointer, const Var& value) {
        if (!value.isString()) return refuse(pointer, "a pattern must be a string");
        auto text = value.extract<std::string>();
        if (text.size() > longest_pattern) return refuse(pointer, "the pattern is longer than 1024 bytes");
        try {
            patterns_.emplace(text, std::regex(text, std::regex::ECMAScript | bounded_matching));
        } catch (const std::regex_error& e) {
            refuse(pointer, "the pattern is no regular expression: " + std::string(e.what()));
        }
    }

    const Var& document_;
    std::map<std::string, State> states_;
    struct Part {
        std::string pointer;
        int depth;
    };
    std::vector<Part> parts_;
    Patterns patterns_;
    std::string wrong_;
};

}  // namespace

Result<Patterns> audit_schema(const Var& document, std::string_view pointer) {
    Audit audit(document);
    std::string wrong = audit.run(pointer);
    if (!wrong.empty()) return fail(Code::invalid, "schema_invalid", "schema " + wrong);
    return audit.take_patterns();
}

}  // namespace acp::json
