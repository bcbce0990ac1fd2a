#include "redact/marks.h"

#include <algorithm>
#include <map>

#include "json/pointer.h"

namespace acp::redact {

namespace {

json::Object::Ptr as_object(const json::Var& value) {
    return value.type() == typeid(json::Object::Ptr) ? value.extract<json::Object::Ptr>() : json::Object::Ptr();
}

json::Array::Ptr as_array(const json::Var& value) {
    return value.type() == typeid(json::Array::Ptr) ? value.extract<json::Array::Ptr>() : json::Array::Ptr();
}

std::string unescaped(std::string_view segment) {
    std::string out;
    for (std::size_t i = 0; i < segment.size(); ++i) {
        bool escape = segment[i] == '~' && i + 1 < segment.size() && (segment[i + 1] == '0' || segment[i + 1] == '1');
        out.push_back(escape ? (segment[++i] == '0' ? '~' : '/') : segment[i]);
    }
    return out;
}

std::vector<std::string> segments_of(std::string_view pointer) {
    std::vector<std::string> out;
    if (pointer.starts_with('/')) pointer.remove_prefix(1);
    while (!pointer.empty()) {
        std::size_t end = std::min(pointer.find('/'), pointer.size());
        out.push_back(unescaped(pointer.substr(0, end)));
        pointer.remove_prefix(std::min(end + 1, pointer.size()));
    }
    return out;
}

bool is_true(const json::Object::Ptr& object, const std::string& name) {
    json::Var value = object->get(name);
    return !value.isEmpty() && value.isBoolean() && value.convert<bool>();
}

}  // namespace

/// Turns schemas into states; a $ref that was met before gives its old state,
/// which is what ends recursion.
class SchemaMarks::Compiler {
public:
    Compiler(SchemaMarks& marks, json::Var root) : marks_(marks), root_(std::move(root)) {}

    void compile(const json::Var& schema, int state, int depth) {
        json::Object::Ptr object = as_object(schema);
        if (object.isNull() || depth > 64) return;
        if (is_true(object, "x-secret") || is_true(object, "writeOnly") ||
            json::text_or(object, "format") == "password")
            marks_.states_[index(state)].secret = true;
        if (auto properties = as_object(object->get("properties")); !properties.isNull())
            for (const auto& name : properties->getNames()) {
                int child = marks_.new_state();
                marks_.states_[index(state)].members.emplace_back(name, child);
                compile(properties->get(name), child, depth + 1);
            }
        if (auto patterns = as_object(object->get("patternProperties")); !patterns.isNull())
            for (const auto& name : patterns->getNames()) add_any(patterns->get(name), state, depth);
        for (const char* name :
             {"additionalProperties", "unevaluatedProperties", "items", "additionalItems", "contains"})
            add_any(object->get(name), state, depth);
        add_each(object->get("prefixItems"), state, depth, true);
        add_each(object->get("items"), state, depth, true);
        for (const char* name : {"allOf", "anyOf", "oneOf"}) add_each(object->get(name), state, depth, false);
        for (const char* name : {"if", "then", "else"}) add_same(object->get(name), state, depth);
        std::string reference = json::text_or(object, "$ref");
        if (reference.starts_with('#')) follow_reference(reference, state, depth);
    }

private:
    static std::size_t index(int state) { return static_cast<std::size_t>(state); }

    void add_any(const json::Var& schema, int state, int depth) {
        if (as_object(schema).isNull()) return;
        int child = marks_.new_state();
        marks_.states_[index(state)].any.push_back(child);
        compile(schema, child, depth + 1);
    }

    void add_same(const json::Var& schema, int state, int depth) {
        if (as_object(schema).isNull()) return;
        int child = marks_.new_state();
        marks_.states_[index(state)].same.push_back(child);
        compile(schema, child, depth + 1);
    }

    void add_each(const json::Var& schemas, int state, int depth, bool are_items) {
        json::Array::Ptr array = as_array(schemas);
        if (array.isNull()) return;
        for (const auto& schema : *array) are_items ? add_any(schema, state, depth) : add_same(schema, state, depth);
    }

    void follow_reference(const std::string& reference, int state, int depth) {
        auto [entry, is_new] = references_.try_emplace(reference, -1);
        if (is_new) {
            entry->second = marks_.new_state();
            int target = entry->second;
            auto schema = json::find(root_, reference.substr(1));
            if (!schema) return;
            marks_.states_[index(state)].same.push_back(target);
            compile(*schema, target, depth + 1);
        } else {
            marks_.states_[index(state)].same.push_back(entry->second);
        }
    }

    SchemaMarks& marks_;
    json::Var root_;
    std::map<std::string, int> references_;
};

SchemaMarks::SchemaMarks() {
    new_state();
}

SchemaMarks SchemaMarks::compile(const json::Var& schema) {
    SchemaMarks marks;
    Compiler(marks, schema).compile(schema, 0, 0);
    return marks;
}

void SchemaMarks::add(std::string_view pattern) {
    int state = 0;
    for (const auto& segment : segments_of(pattern)) {
        int next = new_state();
        State& from = states_[static_cast<std::size_t>(state)];
        if (segment == "*")
            from.any.push_back(next);
        else
            from.members.emplace_back(segment, next);
        state = next;
    }
    states_[static_cast<std::size_t>(state)].secret = true;
}

SchemaMarks::Position SchemaMarks::root() const {
    Position out;
    reach(0, out);
    return out;
}

SchemaMarks::Position SchemaMarks::follow(const Position& from, std::string_view name) const {
    Position out;
    for (int state : from) {
        const State& at = states_[static_cast<std::size_t>(state)];
        for (const auto& [member, next] : at.members)
            if (member == name) reach(next, out);
        for (int next : at.any) reach(next, out);
    }
    return out;
}

bool SchemaMarks::secret(const Position& at) const {
    return std::any_of(at.begin(), at.end(),
                       [this](int state) { return states_[static_cast<std::size_t>(state)].secret; });
}

int SchemaMarks::new_state() {
    states_.emplace_back();
    return static_cast<int>(states_.size()) - 1;
}

void SchemaMarks::reach(int state, Position& out) const {
    if (std::find(out.begin(), out.end(), state) != out.end()) return;
    out.push_back(state);
    for (int next : states_[static_cast<std::size_t>(state)].same) reach(next, out);
}

}  // namespace acp::redact
