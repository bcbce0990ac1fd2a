#include "redact/redactor.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>

#include "redact/assignments.h"
#include "redact/names.h"
#include "redact/shapes.h"

namespace acp::redact {

namespace {

using json::Array;
using json::Object;
using json::Var;

Var hidden() {
    return Var(std::string(kReplacement));
}

/// RFC 7517 private members, told by the `kty` beside them.
constexpr auto kPrivateJwk = std::to_array<std::string_view>({"d", "p", "q", "dp", "dq", "qi", "k", "oth"});

/// What the place of a value says about it.
struct Place {
    bool secret = false;       ///< text below is hidden
    bool numbers_too = false;  ///< numbers as well
    bool reference = false;    ///< the enclosing object points at a secret
    SchemaMarks::Position marks;
};

/// Copies one value. Uses the redactor only for texts.
class Walk {
public:
    Walk(const Redactor& redactor, const SchemaMarks* marks) : redactor_(redactor), marks_(marks) {}

    Var copy(const Var& value, const Place& place, int depth) const {
        if (value.isEmpty()) return Var();
        if (depth > Redactor::kMaxDepth) return hidden();
        if (value.type() == typeid(Object::Ptr)) return copy_object(*value.extract<Object::Ptr>(), place, depth);
        if (value.type() == typeid(Object)) return copy_object(value.extract<Object>(), place, depth);
        if (value.type() == typeid(Array::Ptr)) return copy_array(*value.extract<Array::Ptr>(), place, depth);
        if (value.type() == typeid(Array)) return copy_array(value.extract<Array>(), place, depth);
        if (value.isString()) return copy_text(value.extract<std::string>(), place);
        if (value.isBoolean()) return value;
        if (value.isNumeric()) return place.secret && place.numbers_too ? hidden() : value;
        return hidden();  // no JSON type: nothing is known about it
    }

    Place root() const {
        Place place;
        if (marks_ != nullptr) enter(place, marks_->root());
        return place;
    }

private:
    Var copy_text(const std::string& text, const Place& place) const {
        if (text.empty()) return Var(text);
        return place.secret ? hidden() : Var(redactor_.redact_text(text));
    }

    Var copy_object(const Object& object, const Place& place, int depth) const {
        Object::Ptr out = json::object();
        const bool kubernetes_secret = text(object, "kind") == "Secret";
        const bool jwk = object.has("kty");
        const bool is_pair = object.has("value") || object.has("values") || object.has("operator");
        const bool pair_is_secret = is_pair && pair_names_secret(object);
        for (const auto& name : object.getNames()) {
            Place below = follow(place, name);
            NameKind kind = classify(name);
            // {"key": "tier", "operator": "In"}: here `key` is a name.
            if (name == "key" && (is_pair || place.reference)) kind = NameKind::plain;
            if (is_secret(kind)) below.secret = true;
            if (kind == NameKind::secret_any) below.numbers_too = true;
            if (kind == NameKind::reference) below.reference = true;
            bool by_neighbour = (pair_is_secret && (name == "value" || name == "values")) ||
                                (kubernetes_secret && (name == "data" || name == "stringData")) ||
                                (jwk && std::find(kPrivateJwk.begin(), kPrivateJwk.end(), name) != kPrivateJwk.end());
            if (by_neighbour) below.secret = below.numbers_too = true;
            out->set(free_name(*out, redactor_.redact_text(name)), copy(object.get(name), below, depth + 1));
        }
        return Var(out);
    }

    Var copy_array(const Array& array, const Place& place, int depth) const {
        Array::Ptr out = json::array();
        bool value_follows = false;  // the item before was `--password`
        for (std::size_t i = 0; i < array.size(); ++i) {
            Var item = array.get(static_cast<unsigned>(i));
            Place below = follow(place, std::to_string(i));
            if (!item.isString() || below.secret) {
                out->add(copy(item, below, depth + 1));
                value_follows = false;
                continue;
            }
            const std::string& argument = item.extract<std::string>();
            bool hide = value_follows && !argument.starts_with("--");
            value_follows = !hide && is_secret_flag(argument);
            out->add(hide ? hidden() : Var(copy_argument(argument)));
        }
        return Var(out);
    }

    /// NAME=VALUE with a secret name loses the whole rest, spaces included.
    std::string copy_argument(const std::string& argument) const {
        std::size_t equals = argument.find('=');
        if (equals != std::string::npos && equals > 0 && equals + 1 < argument.size()) {
            std::string_view name = std::string_view(argument).substr(0, equals);
            bool is_name = name.find_first_of(" \t\r\n\"'/:?&") == std::string_view::npos;
            if (is_name && is_secret(classify(name))) return argument.substr(0, equals + 1) + std::string(kReplacement);
        }
        return redactor_.redact_text(argument);
    }

    static bool is_secret_flag(std::string_view argument) {
        return argument.size() > 2 && argument.starts_with('-') &&
               argument.find_first_of("= \t\r\n") == std::string_view::npos && is_secret(classify(argument));
    }

    /// {"name": "DB_PASSWORD", "value": "x"}, as in a pod's env.
    static bool pair_names_secret(const Object& object) {
        return is_secret(classify(text(object, "name"))) || is_secret(classify(text(object, "key")));
    }

    static std::string text(const Object& object, const std::string& name) {
        Var value = object.get(name);
        return !value.isEmpty() && value.isString() ? value.extract<std::string>() : std::string();
    }

    /// Two member names may become equal once they are redacted.
    static std::string free_name(const Object& object, std::string name) {
        if (!object.has(name)) return name;
        for (int i = 2;; ++i) {
            std::string candidate = name + "#" + std::to_string(i);
            if (!object.has(candidate)) return candidate;
        }
    }

    Place follow(const Place& place, const std::string& name) const {
        Place below;
        below.secret = place.secret;
        below.numbers_too = place.numbers_too;
        if (marks_ != nullptr) enter(below, marks_->follow(place.marks, name));
        return below;
    }

    void enter(Place& place, SchemaMarks::Position position) const {
        if (marks_->secret(position)) place.secret = place.numbers_too = true;
        place.marks = std::move(position);
    }

    const Redactor& redactor_;
    const SchemaMarks* marks_;
};

}  // namespace

void Redactor::learn_value(std::string_view secret) {
    std::unique_lock lock(mutex_);
    known_.learn(secret);
}

json::Var Redactor::redact(const json::Var& value, const SchemaMarks* marks) const {
    Walk walk(*this, marks);
    return walk.copy(value, walk.root(), 0);
}

std::string Redactor::redact_text(std::string_view text) const {
    Spans spans;
    find_shapes(text, spans);
    find_assignments(text, spans);
    {
        std::shared_lock lock(mutex_);
        known_.find(text, spans);
    }
    return spans.empty() ? std::string(text) : replace(text, spans);
}

}  // namespace acp::redact
