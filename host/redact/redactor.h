// redact: what must never be stored, logged or returned. A value is hidden
// because a schema declares it, its member's name tells, it looks like a
// secret, or the secret store knows it.
#pragma once

#include <shared_mutex>
#include <string>
#include <string_view>

#include "json/json.h"
#include "redact/known_values.h"
#include "redact/marks.h"
#include "redact/spans.h"

namespace acp::redact {

/// [any-thread]
class Redactor {
public:
    /// Values nested deeper are hidden whole.
    static constexpr int kMaxDepth = 64;

    /// From now on `secret` is hidden wherever it occurs, also in base64.
    /// Shorter than 8 bytes is ignored. The value itself is not kept.
    void learn_value(std::string_view secret);

    /// A deep copy without secrets; hidden text and numbers become
    /// "[redacted]". Under a secret name the structure stays and every leaf is
    /// hidden, except booleans and null. Strings in a list are read as
    /// arguments too: NAME=VALUE, --password=x, --password x.
    json::Var redact(const json::Var& value, const SchemaMarks* marks = nullptr) const;

    /// For log lines and error messages: by looks, by value, and values of
    /// secret names written as name=value, `"name": "value"` or a header.
    std::string redact_text(std::string_view text) const;

private:
    mutable std::shared_mutex mutex_;
    KnownValues known_;  ///< under mutex_
};

}  // namespace acp::redact
