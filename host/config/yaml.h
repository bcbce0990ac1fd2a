// config: YAML text as a tree of nodes with their places. The adapter around
// yaml-cpp: it works on parser events, because yaml-cpp's own node tree drops
// duplicate keys, quoting and the places of keys.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/origins.h"

namespace acp::config {

struct YamlNode {
    enum class Kind : std::uint8_t { null, scalar, list, map, alias };

    Kind kind = Kind::null;
    std::string text;  ///< of a scalar
    /// "?" for a plain scalar, "!" for a quoted one, else the tag as written
    /// out in full: "tag:yaml.org,2002:str".
    std::string tag;
    int line = 0;  ///< from 1
    int column = 0;
    /// Of a list its elements, of a map key, value, key, value.
    std::vector<std::uint32_t> children;
    std::uint32_t target = 0;  ///< of an alias
};

/// Node 0 is the root. Indices in a node are those of earlier or later nodes,
/// an alias never leads back to a node that contains it.
struct YamlTree {
    std::vector<YamlNode> nodes;
};

inline constexpr int yaml_depth = 32;
inline constexpr std::size_t yaml_nodes = 20000;

/// Reads one document. `source` names the text in messages.
tl::expected<YamlTree, Violation> read_yaml(std::string_view text, const std::string& source);

}  // namespace acp::config
