// json: checking values against a JSON Schema.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "json/json.h"

namespace acp::json {

/// A compiled JSON Schema (2020-12, the dialect of OpenAPI 3.1), immutable and
/// safe to share between threads; copies share the compiled form.
///
/// Keywords: type, enum, const, properties, required, additionalProperties,
/// patternProperties, propertyNames, items (one schema), uniqueItems, pattern,
/// min/maxLength, min/maxItems, min/maxProperties, minimum, maximum and their
/// exclusive forms, allOf, anyOf, oneOf, not, and $ref into the same document.
/// Annotations (title, description, default, format, x-...) have no effect.
/// Any other keyword fails to compile: one that is not enforced would promise
/// a check that never happens.
///
/// Stricter than the standard: 1.0 is no integer, and nothing is converted.
/// A pattern is an ECMAScript regular expression without back references,
/// matched in time and stack that its length and the string's bound. Strings
/// beyond 8 KiB fail without the pattern being tried.
class Schema {
public:
    /// Compiles the schema that `pointer` (RFC 6901) selects in `document`;
    /// "#/..." references are resolved against the whole document.
    /// `document` must not be changed afterwards.
    static Result<Schema> compile(const Var& document, std::string_view pointer = "");

    /// What is wrong with `value`, one entry per cause and at most 64 of them;
    /// empty when it conforms. Pointers are relative to `value`; a missing
    /// member is reported at the object that lacks it. Details never repeat
    /// the value, which may be a secret.
    std::vector<Violation> check(const Var& value) const;

    struct Compiled;

private:
    explicit Schema(std::shared_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}
    std::shared_ptr<const Compiled> compiled_;
};

/// How JSON Schema calls the type of `value`: "integer", "string", ...
std::string_view type_name(const Var& value) noexcept;

}  // namespace acp::json
