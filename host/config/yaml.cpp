#include "config/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>

#include "base/bytes.h"

namespace acp::config {

namespace {

/// Thrown through yaml-cpp to stop it; never leaves this file.
struct Refusal {
    YAML::Mark mark;
    std::string what;
};

class TreeBuilder : public YAML::EventHandler {
public:
    YamlTree take() { return std::move(tree_); }

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (documents_++ > 0) throw Refusal{mark, "a second document begins here; keep one in the file"};
    }
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        add(YamlNode::Kind::null, mark, "?", anchor);
    }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        auto index = add(YamlNode::Kind::scalar, mark, tag, anchor);
        tree_.nodes[index].text = value;
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        auto target = anchors_.find(anchor);
        if (target == anchors_.end()) throw Refusal{mark, "the anchor of this alias is not known"};
        if (std::find(open_.begin(), open_.end(), target->second) != open_.end())
            throw Refusal{mark, "the alias stands inside the value that it names"};
        auto index = add(YamlNode::Kind::alias, mark, "?", YAML::NullAnchor);
        tree_.nodes[index].target = target->second;
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(YamlNode::Kind::list, mark, tag, anchor);
    }
    void OnSequenceEnd() override { open_.pop_back(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(YamlNode::Kind::map, mark, tag, anchor);
    }
    void OnMapEnd() override { open_.pop_back(); }

private:
    std::uint32_t add(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
        if (tree_.nodes.size() >= yaml_nodes)
            throw Refusal{mark, "there are more than " + std::to_string(yaml_nodes) + " values"};
        auto index = static_cast<std::uint32_t>(tree_.nodes.size());
        YamlNode node;
        node.kind = kind;
        node.tag = tag;
        node.line = mark.line + 1;
        node.column = mark.column + 1;
        tree_.nodes.push_back(std::move(node));
        if (!open_.empty()) tree_.nodes[open_.back()].children.push_back(index);
        if (anchor != YAML::NullAnchor) anchors_[anchor] = index;
        return index;
    }

    void open(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
        if (open_.size() >= yaml_depth)
            throw Refusal{mark, "values are nested deeper than " + std::to_string(yaml_depth) + " levels"};
        open_.push_back(add(kind, mark, tag, anchor));
    }

    YamlTree tree_;
    std::vector<std::uint32_t> open_;
    std::map<YAML::anchor_t, std::uint32_t> anchors_;
    int documents_ = 0;
};

/// What yaml-cpp says about the mistakes that people make most, said better.
std::string explained(const std::string& message) {
    if (message == YAML::ErrorMsg::END_OF_MAP_FLOW || message == YAML::ErrorMsg::END_OF_SEQ_FLOW)
        return message + "; close { and [, and quote ${NAME} between them";
    if (message == YAML::ErrorMsg::END_OF_MAP || message == YAML::ErrorMsg::END_OF_SEQ)
        return message + "; check the indentation of this line and quote values that contain ': ' or '#'";
    if (message == YAML::ErrorMsg::EOF_IN_SCALAR || message == YAML::ErrorMsg::DOC_IN_SCALAR)
        return "a quoted value is not closed";
    return message;
}

Violation at_line(const std::string& source, int line, int column, std::string_view what) {
    return locate({source, std::max(line, 1), std::max(column, 1)}, "", what);
}

Violation at_byte(const std::string& source, std::string_view text, std::size_t offset, std::string_view what) {
    std::string_view before = text.substr(0, offset);
    auto line = 1 + std::count(before.begin(), before.end(), '\n');
    auto start = before.rfind('\n');
    auto column = start == std::string_view::npos ? offset + 1 : offset - start;
    return at_line(source, static_cast<int>(line), static_cast<int>(column), what);
}

/// yaml-cpp counts from 0, and finds out at the very end what is missing.
Violation at_mark(const std::string& source, std::string_view text, const YAML::Mark& mark, std::string_view what) {
    auto lines = std::count(text.begin(), text.end(), '\n') + (text.ends_with('\n') ? 0 : 1);
    if (mark.line < lines) return at_line(source, mark.line + 1, mark.column + 1, what);
    return at_byte(source, text, text.find_last_not_of('\n') + 1, what);
}

/// The place of a tab before the first other character of a line, both from 0.
/// yaml-cpp takes tabs for blanks and then complains about something else.
std::optional<int> tab_in_indentation(std::string_view text, int line) {
    for (; line > 0; --line) text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
    std::string_view indentation = text.substr(0, text.find_first_not_of(" \t"));
    auto tab = indentation.find('\t');
    if (tab == std::string_view::npos) return {};
    return static_cast<int>(tab);
}

/// The first byte that is_utf8 objects to: the longest good prefix ends there.
std::size_t first_bad_byte(std::string_view text) {
    std::size_t line_start = 0;
    while (line_start < text.size()) {
        auto line_end = std::min(text.find('\n', line_start), text.size());
        if (!is_utf8(text.substr(line_start, line_end - line_start))) {
            std::size_t offset = line_start;
            while (offset < line_end) {
                std::size_t length = 1;
                while (length <= 4 && !is_utf8(text.substr(offset, length))) ++length;
                if (length > 4) return offset;
                offset += length;
            }
        }
        line_start = line_end + 1;
    }
    return text.size();
}

}  // namespace

tl::expected<YamlTree, Violation> read_yaml(std::string_view text, const std::string& source) {
    if (auto nul = text.find('\0'); nul != std::string_view::npos)
        return tl::unexpected(at_byte(source, text, nul, "a NUL byte; the file must be text in UTF-8"));
    if (!is_utf8(text)) return tl::unexpected(at_byte(source, text, first_bad_byte(text), "this is not valid UTF-8"));
    try {
        // yaml-cpp takes a quoted value that is still open at the end of the file
        // for closed; the mark of the document's end makes it complain.
        std::istringstream stream(std::string(text) + (text.ends_with('\n') ? "...\n" : "\n...\n"));
        YAML::Parser parser(stream);
        TreeBuilder builder;
        parser.HandleNextDocument(builder);
        // The second call throws when there is another document.
        parser.HandleNextDocument(builder);
        return builder.take();
    } catch (const Refusal& refusal) {
        return tl::unexpected(at_mark(source, text, refusal.mark, refusal.what));
    } catch (const YAML::Exception& e) {
        if (auto tab = tab_in_indentation(text, e.mark.line))
            return tl::unexpected(at_line(source, e.mark.line + 1, *tab + 1, "a tab in the indentation; use spaces"));
        return tl::unexpected(at_mark(source, text, e.mark, "no valid YAML: " + explained(e.msg)));
    }
}

}  // namespace acp::config
