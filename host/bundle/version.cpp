#include "bundle/version.h"

#include <algorithm>

namespace acp::bundle {

namespace {

constexpr std::size_t most_characters = 64;

bool is_number(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_plain_number(std::string_view text) {
    return is_number(text) && (text.size() == 1 || text.front() != '0');
}

bool is_identifier(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
    });
}

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> out;
    for (;;) {
        auto dot = std::min(text.find('.'), text.size());
        out.emplace_back(text.substr(0, dot));
        if (dot == text.size()) return out;
        text.remove_prefix(dot + 1);
    }
}

/// Without leading zeros the longer number is the greater one.
std::strong_ordering compare_numbers(const std::string& a, const std::string& b) {
    if (auto by_length = a.size() <=> b.size(); by_length != 0) return by_length;
    return a.compare(b) <=> 0;
}

std::strong_ordering compare_identifiers(const std::string& a, const std::string& b) {
    const bool a_number = is_number(a);
    const bool b_number = is_number(b);
    if (a_number && b_number) return compare_numbers(a, b);
    if (a_number != b_number) return a_number ? std::strong_ordering::less : std::strong_ordering::greater;
    return a.compare(b) <=> 0;
}

}  // namespace

std::strong_ordering Version::operator<=>(const Version& other) const {
    if (auto order = compare_numbers(major, other.major); order != 0) return order;
    if (auto order = compare_numbers(minor, other.minor); order != 0) return order;
    if (auto order = compare_numbers(patch, other.patch); order != 0) return order;
    // A release comes after its own pre-releases.
    if (prerelease.empty() || other.prerelease.empty()) return other.prerelease.size() <=> prerelease.size();
    for (std::size_t i = 0; i < std::min(prerelease.size(), other.prerelease.size()); ++i)
        if (auto order = compare_identifiers(prerelease[i], other.prerelease[i]); order != 0) return order;
    return prerelease.size() <=> other.prerelease.size();
}

std::optional<Version> parse_version(std::string_view text) {
    if (text.size() > most_characters) return {};
    if (auto plus = text.find('+'); plus != std::string_view::npos) {
        auto build = split(text.substr(plus + 1));
        if (!std::all_of(build.begin(), build.end(), is_identifier)) return {};
        text = text.substr(0, plus);
    }
    Version out;
    if (auto hyphen = text.find('-'); hyphen != std::string_view::npos) {
        out.prerelease = split(text.substr(hyphen + 1));
        for (const auto& identifier : out.prerelease)
            if (!is_identifier(identifier) || (is_number(identifier) && !is_plain_number(identifier))) return {};
        text = text.substr(0, hyphen);
    }
    auto core = split(text);
    if (core.size() != 3 || !std::all_of(core.begin(), core.end(), is_plain_number)) return {};
    out.major = core[0];
    out.minor = core[1];
    out.patch = core[2];
    return out;
}

}  // namespace acp::bundle
