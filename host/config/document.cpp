#include "config/document.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>

#include "json/pointer.h"

namespace acp::config {

namespace {

/// Bytes of all scalars together, after aliases and variables are put in.
constexpr std::size_t most_bytes = 4U << 20;

template <std::size_t N>
bool one_of(std::string_view text, const std::array<std::string_view, N>& list) {
    return std::find(list.begin(), list.end(), text) != list.end();
}

bool is_digits(std::string_view text, std::string_view digits) {
    return !text.empty() && text.find_first_not_of(digits) == std::string_view::npos;
}

/// The scalar types of YAML 1.2, section 10.3.2.
enum class Type { null, boolean, integer, real, not_finite, string };

Type plain_type(std::string_view text) {
    static constexpr std::array<std::string_view, 5> nulls = {"", "~", "null", "Null", "NULL"};
    static constexpr std::array<std::string_view, 6> booleans = {"true", "True", "TRUE", "false", "False", "FALSE"};
    static constexpr std::array<std::string_view, 6> not_finite = {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"};
    if (one_of(text, nulls)) return Type::null;
    if (one_of(text, booleans)) return Type::boolean;
    if (text.starts_with("0o") && is_digits(text.substr(2), "01234567")) return Type::integer;
    if (text.starts_with("0x") && is_digits(text.substr(2), "0123456789abcdefABCDEF")) return Type::integer;
    std::string_view number = text;
    if (number.starts_with('-') || number.starts_with('+')) number.remove_prefix(1);
    if (one_of(number, not_finite)) return Type::not_finite;
    static constexpr std::string_view decimal = "0123456789";
    if (is_digits(number, decimal)) return Type::integer;

    auto whole = number.substr(0, number.find_first_not_of(decimal));
    number.remove_prefix(whole.size());
    std::string_view fraction;
    if (number.starts_with('.')) {
        number.remove_prefix(1);
        fraction = number.substr(0, number.find_first_not_of(decimal));
        number.remove_prefix(fraction.size());
    }
    if (whole.empty() && fraction.empty()) return Type::string;
    if (number.starts_with('e') || number.starts_with('E')) {
        number.remove_prefix(1);
        if (number.starts_with('-') || number.starts_with('+')) number.remove_prefix(1);
        return is_digits(number, decimal) ? Type::real : Type::string;
    }
    return number.empty() ? Type::real : Type::string;
}

std::optional<std::int64_t> integer(std::string_view text) {
    int base = text.starts_with("0o") ? 8 : text.starts_with("0x") ? 16 : 10;
    if (base != 10) text.remove_prefix(2);
    if (text.starts_with('+')) text.remove_prefix(1);
    std::int64_t value = 0;
    auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (failure != std::errc() || end != text.data() + text.size()) return {};
    return value;
}

std::optional<double> real(std::string_view text) {
    if (text.starts_with('+')) text.remove_prefix(1);
    double value = 0;
    auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return {};
    return value;
}

class Reader {
public:
    /// Without `environment` nothing is substituted.
    Reader(const YamlTree& tree, const std::string& source, bool has_lines, const Environment* environment,
           Document& document)
        : tree_(tree), source_(source), has_lines_(has_lines), environment_(environment), document_(document) {}

    /// The value of a node. `place` is the node that messages point at: a
    /// map's key for a member.
    json::Var read(std::uint32_t index, const std::string& pointer, const YamlNode& place, int depth) {
        document_.origins.set(pointer, origin_of(place));
        if (++values_ > yaml_nodes)
            return stop(pointer, "aliases make more than " + std::to_string(yaml_nodes) + " values");
        if (depth > yaml_depth)
            return stop(pointer, "values are nested deeper than " + std::to_string(yaml_depth) + " levels");
        const YamlNode& node = tree_.nodes[index];
        switch (node.kind) {
            case YamlNode::Kind::null:
                return {};
            case YamlNode::Kind::alias:
                return read(node.target, pointer, place, depth);
            case YamlNode::Kind::scalar:
                return read_scalar(node, pointer);
            case YamlNode::Kind::list:
                return read_list(node, pointer, depth);
            case YamlNode::Kind::map:
                return read_map(node, pointer, depth);
        }
        return {};
    }

private:
    Origin origin_of(const YamlNode& place) const {
        return has_lines_ ? Origin{source_, place.line, place.column} : Origin{source_, 0, 0};
    }

    json::Var refuse(const std::string& pointer, std::string_view what) {
        if (!stopped_) document_.refuse(pointer, what);
        document_.unread.insert(pointer);
        return {};
    }

    /// Refuses the document: what follows is not looked at.
    json::Var stop(const std::string& pointer, std::string_view what) {
        refuse(pointer, what);
        stopped_ = true;
        return {};
    }

    json::Var read_scalar(const YamlNode& node, const std::string& pointer) {
        std::string text = node.text;
        if (environment_ != nullptr) {
            auto substituted = substitute(text, *environment_);
            if (!substituted) return refuse(pointer, substituted.error());
            text = std::move(*substituted);
        }
        bytes_ += text.size();
        if (bytes_ > most_bytes) return stop(pointer, "the values have more than 4 MiB together");

        Type type = plain_type(text);
        if (node.tag == "!" || node.tag == "tag:yaml.org,2002:str") {
            type = Type::string;
        } else if (node.tag.starts_with("tag:yaml.org,2002:")) {
            if (!tag_fits(std::string_view(node.tag).substr(18), type))
                return refuse(pointer, "the value does not fit its tag " + shown_tag(node.tag));
        } else if (node.tag != "?") {
            return refuse(pointer, "the tag " + shown_tag(node.tag) + " is not known; remove it");
        }
        return typed(type, std::move(text), pointer);
    }

    json::Var typed(Type type, std::string text, const std::string& pointer) {
        switch (type) {
            case Type::null:
                return {};
            case Type::boolean:
                return text[0] == 't' || text[0] == 'T';
            case Type::integer:
                if (auto value = integer(text)) return *value;
                return refuse(pointer, "the number is too large");
            case Type::real:
                if (auto value = real(text)) return *value;
                return refuse(pointer, "the number is too large or too small");
            case Type::not_finite:
                return refuse(pointer, "the number must be finite; quote it if it is text");
            case Type::string:
                break;
        }
        return json::Var(std::move(text));
    }

    static bool tag_fits(std::string_view name, Type type) {
        switch (type) {
            case Type::null:
                return name == "null";
            case Type::boolean:
                return name == "bool";
            case Type::integer:
                return name == "int" || name == "float";
            case Type::real:
            case Type::not_finite:
                return name == "float";
            case Type::string:
                break;
        }
        return false;
    }

    static std::string shown_tag(std::string_view tag) {
        static constexpr std::string_view core = "tag:yaml.org,2002:";
        if (tag.starts_with(core)) return "!!" + std::string(tag.substr(core.size(), 64));
        return std::string(tag.substr(0, 64));
    }

    bool tag_allowed(const YamlNode& node, std::string_view tag, const std::string& pointer) {
        if (node.tag.empty() || node.tag == "?" || node.tag == "!" || node.tag == tag) return true;
        refuse(pointer, "the tag " + shown_tag(node.tag) + " is not known; remove it");
        return false;
    }

    json::Var read_list(const YamlNode& node, const std::string& pointer, int depth) {
        if (!tag_allowed(node, "tag:yaml.org,2002:seq", pointer)) return {};
        json::Array::Ptr out = json::array();
        for (std::size_t i = 0; i < node.children.size() && !stopped_; ++i) {
            auto element = node.children[i];
            out->add(read(element, json::child(pointer, i), tree_.nodes[element], depth + 1));
        }
        return out;
    }

    json::Var read_map(const YamlNode& node, const std::string& pointer, int depth) {
        if (!tag_allowed(node, "tag:yaml.org,2002:map", pointer)) return {};
        json::Object::Ptr out = json::object();
        merge(node, pointer, depth, *out);
        return out;
    }

    const YamlNode& resolved(std::uint32_t index) const {
        const YamlNode* node = &tree_.nodes[index];
        while (node->kind == YamlNode::Kind::alias) node = &tree_.nodes[node->target];
        return *node;
    }

    static bool is_merge_key(const YamlNode& key) { return key.text == "<<" && key.tag == "?"; }

    /// Adds the members of a map to `out`; those that `out` has stay. Own
    /// members come first, so that they win over merged ones.
    void merge(const YamlNode& node, const std::string& pointer, int depth, json::Object& out) {
        std::map<std::string, int, std::less<>> own;
        for (std::size_t i = 0; i + 1 < node.children.size() && !stopped_; i += 2) {
            const YamlNode& place = tree_.nodes[node.children[i]];
            const YamlNode& key = resolved(node.children[i]);
            if (key.kind != YamlNode::Kind::scalar || key.text.empty()) {
                refuse_at(place, pointer, "a key must be text");
                continue;
            }
            std::string member = json::child(pointer, key.text);
            auto [first, fresh] = own.emplace(key.text, place.line);
            if (!fresh) {
                refuse_at(place, member,
                          "the key occurs twice, first on line " + std::to_string(first->second) + "; keep one");
                continue;
            }
            if (is_merge_key(key) || out.has(key.text)) continue;
            out.set(key.text, read(node.children[i + 1], member, place, depth + 1));
        }
        for (std::size_t i = 0; i + 1 < node.children.size() && !stopped_; i += 2)
            if (is_merge_key(resolved(node.children[i]))) merge_value(node.children[i + 1], pointer, depth, out);
    }

    void merge_value(std::uint32_t index, const std::string& pointer, int depth, json::Object& out) {
        const YamlNode& value = resolved(index);
        values_ += 1 + value.children.size();
        if (values_ > yaml_nodes || depth > yaml_depth) {
            stop(pointer, "merge keys make more than " + std::to_string(yaml_nodes) + " values");
        } else if (value.kind == YamlNode::Kind::map) {
            merge(value, pointer, depth + 1, out);
        } else if (value.kind == YamlNode::Kind::list) {
            for (auto element : value.children) {
                if (resolved(element).kind != YamlNode::Kind::map)
                    return refuse_at(tree_.nodes[element], pointer, "<< takes a map or a list of maps");
                merge_value(element, pointer, depth + 1, out);
            }
        } else {
            refuse_at(tree_.nodes[index], pointer, "<< takes a map or a list of maps");
        }
    }

    void refuse_at(const YamlNode& place, const std::string& pointer, std::string_view what) {
        if (!stopped_) document_.violations.push_back(locate(origin_of(place), pointer, what));
    }

    const YamlTree& tree_;
    const std::string& source_;
    bool has_lines_;
    const Environment* environment_;
    Document& document_;
    std::size_t values_ = 0;
    std::size_t bytes_ = 0;
    bool stopped_ = false;
};

json::Var read(std::string_view text, const std::string& source, bool has_lines, const std::string& pointer,
               const Environment* environment, Document& document) {
    auto tree = read_yaml(text, source);
    if (!tree) {
        document.violations.push_back(std::move(tree.error()));
        document.unread.insert(pointer);
        return {};
    }
    document.origins.set(pointer, {source, has_lines ? 1 : 0, 1});
    if (tree->nodes.empty()) return {};
    return Reader(*tree, source, has_lines, environment, document).read(0, pointer, tree->nodes[0], 0);
}

}  // namespace

json::Var read_file_text(std::string_view text, const std::string& file, const Environment& environment,
                         Document& document) {
    return read(text, file, true, "", &environment, document);
}

json::Var read_plain_text(std::string_view text, const std::string& file, Document& document) {
    return read(text, file, true, "", nullptr, document);
}

json::Var read_override(std::string_view text, const std::string& source, const std::string& pointer,
                        Document& document) {
    return read(text, source, false, pointer, nullptr, document);
}

}  // namespace acp::config
