// bundle: semantic versions (semver.org 2.0.0).
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace acp::bundle {

struct Version {
    std::string major, minor, patch;      ///< digits without leading zeros, of any length
    std::vector<std::string> prerelease;  ///< identifiers; build metadata is not kept: it has no rank

    /// The precedence of section 11.
    std::strong_ordering operator<=>(const Version& other) const;
    bool operator==(const Version& other) const { return (*this <=> other) == 0; }
};

/// Nothing unless `text` is a semantic version of at most 64 characters.
std::optional<Version> parse_version(std::string_view text);

}  // namespace acp::bundle
