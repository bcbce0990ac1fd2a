#include "text.h"

#include <cctype>
#include <nlohmann/json.hpp>
#include <regex>

namespace acp::conformance {

namespace {

using Json = nlohmann::json;

Json parse(std::string_view text) {
    return Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    for (std::size_t i = 0; i < text.size();) {
        const unsigned char first = byte(i);
        if (first == 0) return false;
        const std::size_t more = first < 0x80 ? 0 : first < 0xc2 ? 4 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : 4;
        if (more == 4 || i + more >= text.size()) return false;
        for (std::size_t k = 1; k <= more; ++k)
            if ((byte(i + k) & 0xc0) != 0x80) return false;
        // Overlong forms, surrogates, and what lies beyond U+10FFFF.
        if (first == 0xe0 && byte(i + 1) < 0xa0) return false;
        if (first == 0xed && byte(i + 1) > 0x9f) return false;
        if (first == 0xf0 && byte(i + 1) < 0x90) return false;
        if (first == 0xf4 && byte(i + 1) > 0x8f) return false;
        i += more + 1;
    }
    return true;
}

bool is_json(std::string_view text) {
    return Json::accept(text.begin(), text.end());
}

bool is_json_object(std::string_view text) {
    return parse(text).is_object();
}

bool is_json_array(std::string_view text) {
    return parse(text).is_array();
}

bool has_object(std::string_view object, const char* member) {
    const Json json = parse(object);
    return json.is_object() && json.contains(member) && json[member].is_object();
}

bool is_closed_schema(std::string_view schema) {
    const Json json = parse(schema);
    return json.is_object() && json.value("additionalProperties", Json(true)) == Json(false);
}

bool is_semver(std::string_view text) {
    // The expression that semver.org suggests.
    static const std::regex rule(
        R"((0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-((0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(\+([0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*))?)");
    return text.size() <= 256 && std::regex_match(text.begin(), text.end(), rule);
}

bool is_log_line(std::string_view line) {
    // 2026-01-31T08:15:00.000000001Z
    constexpr std::string_view form = "dddd-dd-ddTdd:dd:dd.dddddddddZ ";
    if (line.size() < form.size() + 3 || line.back() != '\n' || line.find('\n') != line.size() - 1) return false;
    for (std::size_t i = 0; i < form.size(); ++i) {
        const bool digit = std::isdigit(static_cast<unsigned char>(line[i])) != 0;
        if (form[i] == 'd' ? !digit : line[i] != form[i]) return false;
    }
    const auto replica_end = line.find(' ', form.size());
    return replica_end != std::string_view::npos && replica_end > form.size();
}

bool is_status(acp_status status) noexcept {
    return status >= ACP_OK && status <= ACP_E_INTERNAL;
}

std::string status_name(acp_status status) {
    static const char* const names[] = {"ACP_OK",         "ACP_E_INVALID",     "ACP_E_NOT_FOUND", "ACP_E_CONFLICT",
                                        "ACP_E_UNSUPPORTED", "ACP_E_DENIED",   "ACP_E_UNAVAILABLE", "ACP_E_PROVIDER",
                                        "ACP_E_DEADLINE", "ACP_E_CANCELLED",   "ACP_E_EXHAUSTED", "ACP_E_WOULD_BLOCK",
                                        "ACP_E_CLOSED",   "ACP_E_INTERNAL"};
    return is_status(status) ? names[status] : std::to_string(status);
}

std::string in_quotes(std::string_view text) {
    static constexpr char hex[] = "0123456789abcdef";
    std::string out = "\"";
    for (const char c : text.substr(0, 120)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte < 0x7f)
            out += c;
        else
            out.append("\\x").append({hex[byte >> 4], hex[byte & 15]});
    }
    return out + (text.size() > 120 ? "\"..." : "\"");
}

std::string printable(std::string text) {
    return is_utf8(text) ? std::move(text) : in_quotes(text);
}

}  // namespace acp::conformance
