// json: the compiled form of a schema. Internal: valijson is large, and only
// the two files that include this one pay for it.
#pragma once

#include <set>
#include <string>
#include <valijson/adapters/poco_json_adapter.hpp>
#include <valijson/constraint_builder.hpp>
#include <valijson/constraints/concrete_constraints.hpp>
#include <valijson/schema.hpp>
#include <vector>

#include "json/schema.h"
#include "json/schema_audit.h"

namespace acp::json {

struct Schema::Compiled {
    valijson::Schema tree;
    Patterns patterns;
};

/// The values of `enum` or `const`. valijson's own constraint keeps them where
/// nobody can read them, and people want to see what is allowed.
class AllowedValues : public valijson::constraints::PolyConstraint {
public:
    explicit AllowedValues(const std::vector<Var>& values);

    bool allows(const Var& value) const { return canonical_.count(canonical(value)) > 0; }
    /// "must be 1" or "must be one of 1, 2".
    const std::string& demand() const { return demand_; }

    /// Part of valijson's own validator, which is not used.
    bool validate(const valijson::adapters::Adapter&, const std::vector<std::string>&,
                  valijson::ValidationResults*) const override {
        return false;
    }

private:
    Constraint* cloneInto(void* memory) const override { return new (memory) AllowedValues(*this); }
    std::size_t sizeOf() const override { return sizeof(AllowedValues); }

    std::set<std::string> canonical_;
    std::string demand_;
};

}  // namespace acp::json
