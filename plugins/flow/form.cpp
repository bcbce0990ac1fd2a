#include "flow/form.h"

#include <algorithm>
#include <cstdint>

namespace acp::flow {

std::string form_encoded(std::string_view text) {
    static constexpr char kHex[] = "0123456789ABCDEF";
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                           c == '.' || c == '_' || c == '*';
        const auto byte = static_cast<unsigned char>(c);
        if (plain)
            out += c;
        else if (c == ' ')
            out += '+';
        else
            out.append({'%', kHex[byte >> 4], kHex[byte & 15]});
    }
    return out;
}

std::string form_body(const Pairs& pairs) {
    std::string out;
    for (const auto& [name, value] : pairs) {
        if (value.empty()) continue;
        if (!out.empty()) out += '&';
        out += form_encoded(name) + "=" + form_encoded(value);
    }
    return out;
}

std::string base64(std::string_view bytes) {
    static constexpr char kLetters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t group = 0;
        const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
        for (std::size_t j = 0; j < 3; ++j)
            group = (group << 8) | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0U);
        for (std::size_t j = 0; j < 4; ++j) out += j <= count ? kLetters[(group >> (18 - 6 * j)) & 63] : '=';
    }
    return out;
}

std::optional<std::vector<std::string>> scopes_of(std::string_view text) {
    std::vector<std::string> out;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find(' ', at), text.size());
        const std::string_view one = text.substr(at, end - at);
        const bool sound = !one.empty() && one.size() <= 256 && std::all_of(one.begin(), one.end(), [](char c) {
            return c > 0x20 && c < 0x7f && c != '"' && c != '\\';
        });
        if (!sound || end + 1 == text.size()) return std::nullopt;
        out.emplace_back(one);
        at = end + 1;
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    if (out.size() > 64) return std::nullopt;
    return out;
}

std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for (const auto& word : words) out += (out.empty() ? "" : " ") + word;
    return out;
}

bool within(const std::vector<std::string>& wanted, const std::vector<std::string>& allowed) {
    return std::all_of(wanted.begin(), wanted.end(), [&](const std::string& one) {
        return std::find(allowed.begin(), allowed.end(), one) != allowed.end();
    });
}

}  // namespace acp::flow
