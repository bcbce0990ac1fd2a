// ledger: text and JSON in the form in which a row keeps them.
#pragma once

#include <string>
#include <string_view>

#include "json/json.h"
#include "ledger/run.h"
#include "redact/redactor.h"

namespace acp::ledger {

/// Longest text and longest JSON of a row, in bytes.
inline constexpr std::size_t kMaxText = 64U << 10;
inline constexpr std::size_t kMaxJson = 1U << 20;

/// Valid UTF-8 without NUL, at most kMaxText bytes; nothing for empty text. A
/// record must not fail for an odd byte in what a provider answered.
Text stored_text(std::string_view text);
/// As stored_text, redacted first.
Text stored_text(std::string_view text, const redact::Redactor& redactor);
/// Redacted JSON; nothing for an empty value. Longer than kMaxJson: an object
/// with its size and digest instead.
Text stored_json(const json::Var& value, const redact::Redactor& redactor, const redact::SchemaMarks* marks);
/// A body that is JSON is redacted as such and keeps its bytes if nothing was
/// hidden; any other is redacted as text.
StoredResponse stored_response(StoredResponse response, const redact::Redactor& redactor);

}  // namespace acp::ledger
