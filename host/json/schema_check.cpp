#include <algorithm>
#include <array>
#include <cstdio>
#include <set>
#include <valijson/constraints/constraint_visitor.hpp>

#include "json/nearest.h"
#include "json/pointer.h"
#include "json/schema_compiled.h"

namespace acp::json {

namespace {

using valijson::Subschema;

constexpr std::size_t most_findings = 64;
constexpr std::size_t longest_matched = 8192;
/// Names come from the value and may be huge; pointers show this much of one.
constexpr std::size_t longest_name = 256;

enum class Cause {
    type,    ///< the value has another type: nothing else about it matters
    choice,  ///< it is none of the listed values
    other,
};

struct Finding {
    std::string pointer;
    std::string detail;
    Cause cause = Cause::other;
    std::string expected;  ///< of Cause::type: the allowed types
};

using Findings = std::vector<Finding>;

std::string number_text(double value) {
    std::array<char, 32> text{};
    int length = std::snprintf(text.data(), text.size(), "%.15g", value);
    return {text.data(), static_cast<std::size_t>(std::max(length, 0))};
}

std::string joined(const std::vector<std::string>& parts, std::string_view separator) {
    std::string out;
    for (const auto& part : parts) {
        if (!out.empty()) out += separator;
        out += part;
    }
    return out;
}

std::string shown(std::string_view name) {
    if (name.size() <= longest_name) return std::string(name);
    std::size_t end = longest_name;
    while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0U) == 0x80U) --end;
    return std::string(name.substr(0, end)) + "…";
}

std::string at_least(std::uint64_t count, std::string_view things) {
    if (count == 1) return "must not be empty";
    return "must have at least " + std::to_string(count) + " " + std::string(things);
}

/// Code points; `text` is valid UTF-8 or the count is only near.
std::uint64_t characters(const std::string& text) {
    return static_cast<std::uint64_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string_view name_of(valijson::constraints::TypeConstraint::JsonType type) {
    using Type = valijson::constraints::TypeConstraint;
    switch (type) {
        case Type::kArray:
            return "array";
        case Type::kBoolean:
            return "boolean";
        case Type::kInteger:
            return "integer";
        case Type::kNull:
            return "null";
        case Type::kNumber:
            return "number";
        case Type::kObject:
            return "object";
        case Type::kString:
            return "string";
        case Type::kAny:
            break;
    }
    return "any";
}

/// Judges one value by valijson's constraint tree. valijson's own validator
/// reports each cause again at every level above it and does not say what was
/// found or allowed; this one writes down the causes alone.
class Judge : public valijson::constraints::ConstraintVisitor {
public:
    Judge(const Patterns& patterns, const Var& value, std::string pointer, Findings& findings)
        : patterns_(patterns), value_(value), pointer_(std::move(pointer)), findings_(findings) {}

    void judge(const Subschema& schema) {
        if (schema.getAlwaysInvalid()) return add("is not allowed here");
        Findings outer = std::exchange(findings_, {});
        Subschema::ApplyFunction apply = [this](const valijson::constraints::Constraint& constraint) {
            return constraint.accept(*this);
        };
        schema.apply(apply);
        keep_causes();
        outer.insert(outer.end(), findings_.begin(), findings_.end());
        findings_ = std::move(outer);
    }

    bool visit(const TypeConstraint& constraint) override {
        std::string_view actual = type_name(value_);
        std::vector<std::string> allowed;
        bool matches = false;
        constraint.applyToNamedTypes([&](TypeConstraint::JsonType type) {
            std::string_view name = name_of(type);
            matches = matches || name == actual || name == "any" || (name == "number" && actual == "integer");
            allowed.emplace_back(name);
            return true;
        });
        if (matches) return true;
        std::string expected = joined(allowed, " or ");
        findings_.push_back(
            {pointer_, "must be " + expected + ", is " + std::string(actual), Cause::type, std::move(expected)});
        return true;
    }

    bool visit(const PolyConstraint& constraint) override {
        const auto& allowed = dynamic_cast<const AllowedValues&>(constraint);
        if (!allowed.allows(value_)) findings_.push_back({pointer_, allowed.demand(), Cause::choice, {}});
        return true;
    }

    bool visit(const PropertiesConstraint& constraint) override {
        if (!is_object()) return true;
        Object::Ptr object = value_.extract<Object::Ptr>();
        std::vector<std::string> known;
        constraint.applyToProperties([&](const auto& name, const Subschema* schema) {
            known.emplace_back(name.c_str());
            if (object->has(known.back())) judge_part(object->get(known.back()), *schema, known.back());
            return true;
        });
        for (const auto& entry : *object) {
            if (findings_.size() >= most_findings) break;
            const std::string& name = entry.first;
            const Var& member = entry.second;
            bool matched = std::binary_search(known.begin(), known.end(), name);
            constraint.applyToPatternProperties([&](const auto& pattern, const Subschema* schema) {
                if (!matches_pattern(name, pattern.c_str())) return true;
                matched = true;
                judge_part(member, *schema, name);
                return true;
            });
            if (matched) continue;
            if (const Subschema* rest = constraint.getAdditionalPropertiesSubschema())
                judge_part(member, *rest, name);
            else
                add_unknown(name, known);
        }
        return true;
    }

    bool visit(const PropertyNamesConstraint& constraint) override {
        if (!is_object()) return true;
        for (const auto& [name, member] : *value_.extract<Object::Ptr>()) {
            if (findings_.size() >= most_findings) break;
            Findings about_name;
            Judge(patterns_, name, child(pointer_, shown(name)), about_name).judge(*constraint.getSubschema());
            for (auto& finding : about_name)
                findings_.push_back({finding.pointer, "the name " + finding.detail, Cause::other, {}});
        }
        return true;
    }

    bool visit(const RequiredConstraint& constraint) override {
        if (!is_object()) return true;
        Object::Ptr object = value_.extract<Object::Ptr>();
        constraint.applyToRequiredProperties([&](const auto& name) {
            if (!object->has(name.c_str())) add("missing member " + std::string(name.c_str()));
            return true;
        });
        return true;
    }

    bool visit(const SingularItemsConstraint& constraint) override {
        if (!is_array()) return true;
        Array::Ptr array = value_.extract<Array::Ptr>();
        for (std::size_t i = 0; i < array->size() && findings_.size() < most_findings; ++i)
            judge_part(array->get(static_cast<unsigned>(i)), *constraint.getItemsSubschema(), std::to_string(i));
        return true;
    }

    bool visit(const UniqueItemsConstraint&) override {
        if (!is_array()) return true;
        Array::Ptr array = value_.extract<Array::Ptr>();
        std::set<std::string> seen;
        for (std::size_t i = 0; i < array->size(); ++i) {
            if (seen.insert(canonical(array->get(static_cast<unsigned>(i)))).second) continue;
            findings_.push_back({child(pointer_, i), "occurs twice in the list", Cause::other, {}});
            break;
        }
        return true;
    }

    bool visit(const PatternConstraint& constraint) override {
        if (!value_.isString()) return true;
        std::string pattern;
        constraint.getPattern(pattern);
        const auto text = value_.extract<std::string>();
        if (text.size() > longest_matched)
            add("must have at most " + std::to_string(longest_matched) + " bytes");
        else if (!matches_pattern(text, pattern))
            add("must match " + pattern);
        return true;
    }

    bool visit(const MinLengthConstraint& constraint) override {
        if (!value_.isString() || characters(value_.extract<std::string>()) >= constraint.getMinLength()) return true;
        return add_true(at_least(constraint.getMinLength(), "characters"));
    }
    bool visit(const MaxLengthConstraint& constraint) override {
        if (!value_.isString() || characters(value_.extract<std::string>()) <= constraint.getMaxLength()) return true;
        return add_true("must have at most " + std::to_string(constraint.getMaxLength()) + " characters");
    }
    bool visit(const MinItemsConstraint& constraint) override {
        if (!is_array() || value_.extract<Array::Ptr>()->size() >= constraint.getMinItems()) return true;
        return add_true(at_least(constraint.getMinItems(), "elements"));
    }
    bool visit(const MaxItemsConstraint& constraint) override {
        if (!is_array() || value_.extract<Array::Ptr>()->size() <= constraint.getMaxItems()) return true;
        return add_true("must have at most " + std::to_string(constraint.getMaxItems()) + " elements");
    }
    bool visit(const MinPropertiesConstraint& constraint) override {
        if (!is_object() || value_.extract<Object::Ptr>()->size() >= constraint.getMinProperties()) return true;
        return add_true(at_least(constraint.getMinProperties(), "members"));
    }
    bool visit(const MaxPropertiesConstraint& constraint) override {
        if (!is_object() || value_.extract<Object::Ptr>()->size() <= constraint.getMaxProperties()) return true;
        return add_true("must have at most " + std::to_string(constraint.getMaxProperties()) + " members");
    }
    bool visit(const MinimumConstraint& constraint) override {
        if (!is_number()) return true;
        auto value = value_.convert<double>();
        double bound = constraint.getMinimum();
        if (constraint.getExclusiveMinimum() ? value > bound : value >= bound) return true;
        return add_true((constraint.getExclusiveMinimum() ? "must be greater than " : "must be at least ") +
                        number_text(bound));
    }
    bool visit(const MaximumConstraint& constraint) override {
        if (!is_number()) return true;
        auto value = value_.convert<double>();
        double bound = constraint.getMaximum();
        if (constraint.getExclusiveMaximum() ? value < bound : value <= bound) return true;
        return add_true((constraint.getExclusiveMaximum() ? "must be less than " : "must be at most ") +
                        number_text(bound));
    }

    bool visit(const AllOfConstraint& constraint) override {
        constraint.applyToSubschemas([&](unsigned, const Subschema* schema) {
            judge(*schema);
            return true;
        });
        return true;
    }
    bool visit(const AnyOfConstraint& constraint) override {
        if (Forms forms = judge_forms(constraint); forms.matching == 0) report_best(std::move(forms.failed));
        return true;
    }
    bool visit(const OneOfConstraint& constraint) override {
        Forms forms = judge_forms(constraint);
        if (forms.matching == 0) report_best(std::move(forms.failed));
        if (forms.matching > 1) add("fits more than one of the alternatives, must fit exactly one");
        return true;
    }
    bool visit(const NotConstraint& constraint) override {
        if (judged(*constraint.getSubschema()).empty()) add("has a form that is not allowed here");
        return true;
    }

    // AllowedValues stands for these two.
    bool visit(const EnumConstraint&) override { return true; }
    bool visit(const ConstConstraint&) override { return true; }
    // An annotation in this dialect.
    bool visit(const FormatConstraint&) override { return true; }
    // audit_schema lets no schema with these keywords pass.
    bool visit(const ConditionalConstraint&) override { return true; }
    bool visit(const ContainsConstraint&) override { return true; }
    bool visit(const DependenciesConstraint&) override { return true; }
    bool visit(const LinearItemsConstraint&) override { return true; }
    bool visit(const MultipleOfDoubleConstraint&) override { return true; }
    bool visit(const MultipleOfIntConstraint&) override { return true; }

private:
    struct Forms {
        unsigned matching = 0;
        std::vector<Findings> failed;
    };

    bool is_object() const { return value_.type() == typeid(Object::Ptr); }
    bool is_array() const { return value_.type() == typeid(Array::Ptr); }
    bool is_number() const { return type_name(value_) == "integer" || type_name(value_) == "number"; }

    void add(std::string detail) { findings_.push_back({pointer_, std::move(detail), Cause::other, {}}); }
    bool add_true(std::string detail) {
        add(std::move(detail));
        return true;
    }

    void add_unknown(const std::string& name, const std::vector<std::string>& known) {
        std::string near = nearest(name, known);
        std::string detail = "unknown member";
        if (!near.empty()) detail += "; did you mean " + near + "?";
        if (known.empty())
            detail += "; none is allowed here";
        else
            detail += (near.empty() ? "; known: " : " known: ") + joined(known, ", ");
        findings_.push_back({child(pointer_, shown(name)), std::move(detail), Cause::other, {}});
    }

    bool matches_pattern(const std::string& text, const std::string& pattern) const {
        return text.size() <= longest_matched && std::regex_search(text, patterns_.at(pattern));
    }

    void judge_part(const Var& part, const Subschema& schema, const std::string& name) {
        if (findings_.size() < most_findings)
            Judge(patterns_, part, child(pointer_, shown(name)), findings_).judge(schema);
    }

    Findings judged(const Subschema& schema) const {
        Findings out;
        Judge(patterns_, value_, pointer_, out).judge(schema);
        return out;
    }

    /// A value of the wrong type breaks bounds and choices too; one that is not
    /// among the choices breaks the pattern. The first of these is the cause.
    void keep_causes() {
        for (Cause cause : {Cause::type, Cause::choice}) {
            auto first = std::find_if(findings_.begin(), findings_.end(), [&](const Finding& finding) {
                return finding.cause == cause && finding.pointer == pointer_;
            });
            if (first == findings_.end()) continue;
            Finding kept = std::move(*first);
            findings_.clear();
            findings_.push_back(std::move(kept));
            return;
        }
        if (!is_object() && !is_array() && findings_.size() > 1) findings_.resize(1);
    }

    template <typename Constraint>
    Forms judge_forms(const Constraint& constraint) const {
        Forms forms;
        constraint.applyToSubschemas([&](unsigned, const Subschema* schema) {
            Findings findings = judged(*schema);
            if (findings.empty())
                ++forms.matching;
            else
                forms.failed.push_back(std::move(findings));
            return true;
        });
        return forms;
    }

    /// A form is plainly another one when its type differs, or the member that
    /// tells the forms apart ({"kind": "a"}).
    bool plainly_another(const Findings& findings) const {
        return std::any_of(findings.begin(), findings.end(), [&](const Finding& finding) {
            if (finding.cause == Cause::type) return finding.pointer == pointer_;
            return finding.cause == Cause::choice &&
                   (finding.pointer == pointer_ || parent(finding.pointer) == pointer_);
        });
    }

    /// Reports the form that the writer most likely meant; when that is open,
    /// what each one asks for.
    void report_best(std::vector<Findings> failed) {
        std::vector<const Findings*> likely;
        std::vector<std::string> types, details;
        bool all_types = true;
        for (const auto& findings : failed) {
            if (!plainly_another(findings)) likely.push_back(&findings);
            const Finding& first = findings.front();
            all_types = all_types && first.cause == Cause::type && first.pointer == pointer_;
            if (std::find(types.begin(), types.end(), first.expected) == types.end()) types.push_back(first.expected);
            std::string relative = dotted(std::string_view(first.pointer).substr(pointer_.size()));
            details.push_back(relative.empty() ? first.detail : relative + " " + first.detail);
        }
        if (likely.size() == 1) {
            findings_.insert(findings_.end(), likely.front()->begin(), likely.front()->end());
        } else if (all_types) {
            std::string expected = joined(types, " or ");
            findings_.push_back(
                {pointer_, "must be " + expected + ", is " + std::string(type_name(value_)), Cause::type, expected});
        } else {
            add("fits none of the alternatives: " + joined(details, "; or "));
        }
    }

    const Patterns& patterns_;
    Var value_;
    std::string pointer_;
    Findings& findings_;
};

}  // namespace

std::string_view type_name(const Var& value) noexcept {
    if (value.isEmpty()) return "null";
    if (value.type() == typeid(Object::Ptr)) return "object";
    if (value.type() == typeid(Array::Ptr)) return "array";
    if (value.isString()) return "string";
    if (value.isBoolean()) return "boolean";
    if (value.isInteger()) return "integer";
    if (value.isNumeric()) return "number";
    return "of no JSON type";
}

std::vector<Violation> Schema::check(const Var& value) const {
    Findings findings;
    Judge(compiled_->patterns, value, "", findings).judge(compiled_->tree);
    std::vector<Violation> out;
    for (auto& finding : findings) {
        bool repeated = std::any_of(out.begin(), out.end(), [&](const Violation& earlier) {
            return earlier.pointer == finding.pointer && earlier.detail == finding.detail;
        });
        if (repeated) continue;
        if (out.size() == most_findings) break;
        out.push_back({std::move(finding.pointer), std::move(finding.detail)});
    }
    return out;
}

}  // namespace acp::json
