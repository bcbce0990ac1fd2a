#include "ledger/wording.h"

#include "base/bytes.h"

namespace acp::ledger {

namespace {

constexpr std::string_view kReplacementCharacter = "\xef\xbf\xbd";  // U+FFFD

/// Bytes of the UTF-8 sequence that starts `text`, 0 when it is malformed or NUL.
std::size_t sequence_length(std::string_view text) {
    auto first = static_cast<unsigned char>(text.front());
    if (first == 0) return 0;
    std::size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    return length <= text.size() && is_utf8(text.substr(0, length)) ? length : 0;
}

std::string cleaned(std::string_view text) {
    if (is_utf8(text) && text.find('\0') == std::string_view::npos) return std::string(text);
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        std::size_t length = sequence_length(text);
        out += length > 0 ? text.substr(0, length) : kReplacementCharacter;
        text.remove_prefix(length > 0 ? length : 1);
    }
    return out;
}

}  // namespace

Text stored_text(std::string_view text) {
    if (text.empty()) return std::nullopt;
    if (text.size() <= kMaxText) return cleaned(text);
    return cleaned(text.substr(0, kMaxText - 16)) + " [cut]";
}

Text stored_text(std::string_view text, const redact::Redactor& redactor) {
    // Redacted before it is cut: half a secret may not look like one.
    return text.empty() ? std::nullopt : stored_text(redactor.redact_text(text));
}

Text stored_json(const json::Var& value, const redact::Redactor& redactor, const redact::SchemaMarks* marks) {
    if (value.isEmpty()) return std::nullopt;
    std::string text = cleaned(json::dump(redactor.redact(value, marks)));
    if (text.size() <= kMaxJson) return text;
    return json::dump(json::object({{"omitted", "larger than a row may be"},
                                    {"bytes", static_cast<std::int64_t>(text.size())},
                                    {"sha256", sha256_hex(text)}}));
}

StoredResponse stored_response(StoredResponse response, const redact::Redactor& redactor) {
    response.content_type = stored_text(response.content_type).value_or("");
    response.location = stored_text(response.location, redactor).value_or("");
    json::ParseLimits limits;
    limits.bytes = 16U << 20;
    if (auto value = json::parse(response.body, limits)) {
        std::string before = json::dump(*value);
        std::string after = json::dump(redactor.redact(*value));
        if (before != after) response.body = std::move(after);
    } else {
        response.body = cleaned(redactor.redact_text(response.body));
    }
    return response;
}

}  // namespace acp::ledger
