// redact: the places that a JSON Schema declares secret.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "json/json.h"

namespace acp::redact {

/// A compiled set of places in a JSON value. Reading a schema, it takes members
/// with `"x-secret": true`, `"writeOnly": true` or `"format": "password"`
/// through properties, patternProperties, additionalProperties, items,
/// prefixItems, allOf, anyOf, oneOf, if/then/else and local $ref (also
/// recursive ones). Immutable once built, so it can be shared by threads.
class SchemaMarks {
public:
    SchemaMarks();
    static SchemaMarks compile(const json::Var& schema);

    /// Marks one place by JSON pointer (RFC 6901), where a segment `*` stands
    /// for any member or item: /spec/env/*/value.
    void add(std::string_view pattern);

    /// The places that a walk has reached: follow() goes to a member or item.
    using Position = std::vector<int>;
    Position root() const;
    Position follow(const Position& from, std::string_view name) const;
    bool secret(const Position& at) const;

private:
    /// One schema. Several may describe the same place (allOf), and a $ref may
    /// lead back up, so this is a non-deterministic automaton, not a tree.
    struct State {
        bool secret = false;
        std::vector<std::pair<std::string, int>> members;
        std::vector<int> any;   ///< every member and item
        std::vector<int> same;  ///< other schemas of the same place
    };
    class Compiler;

    int new_state();
    void reach(int state, Position& out) const;

    std::vector<State> states_;
};

}  // namespace acp::redact
