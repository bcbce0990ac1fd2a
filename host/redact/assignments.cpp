#include "redact/assignments.h"

#include <algorithm>

#include "redact/names.h"

namespace acp::redact {

namespace {

bool is_name_char(char c) noexcept {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
}
bool is_space(char c) noexcept {
    return c == ' ' || c == '\t';
}
bool is_break(char c) noexcept {
    return c == '\r' || c == '\n';
}
bool is_quote(char c) noexcept {
    return c == '"' || c == '\'' || c == '`';
}

/// One pair: where the separator stands and how its sides are written.
struct Pair {
    std::string_view name;
    std::size_t dashes = 0;
    bool quoted_name = false;
    char separator = 0;  ///< '=' or ':', ' ' for `--name value`
};

class Scanner {
public:
    Scanner(std::string_view text, Spans& out) : text_(text), out_(out) {}

    void run() {
        std::size_t at = 0;
        while (at < text_.size()) {
            if (!is_name_char(text_[at])) {
                ++at;
                continue;
            }
            std::size_t end = skip(at, is_name_char);
            at = pair_at(at, end);
        }
    }

private:
    template <typename Pred>
    std::size_t skip(std::size_t at, Pred pred) const {
        while (at < text_.size() && pred(text_[at])) ++at;
        return at;
    }

    char at(std::size_t index) const { return index < text_.size() ? text_[index] : '\0'; }

    /// Handles the name in [begin, end); returns where to go on.
    std::size_t pair_at(std::size_t begin, std::size_t end) {
        Pair pair;
        while (begin + pair.dashes < end && text_[begin + pair.dashes] == '-') ++pair.dashes;
        pair.name = text_.substr(begin + pair.dashes, end - begin - pair.dashes);
        std::size_t next = end;
        if (at(next) == '\\' && is_quote(at(next + 1))) ++next;
        if (is_quote(at(next))) {
            pair.quoted_name = true;
            ++next;
        }
        std::size_t separator = skip(next, is_space);
        if (at(separator) == '=' || (at(separator) == ':' && at(separator + 1) != '/')) {
            pair.separator = at(separator);
            next = skip(separator + 1, is_space);
        } else if (pair.dashes == 2 && separator > next && !pair.quoted_name) {
            pair.separator = ' ';
            next = separator;
        } else {
            return end;
        }
        NameKind kind = classify(pair.name);
        // `key` alone names a map's key far more often than a secret.
        if (!is_secret(kind) || pair.name == "key" || next >= text_.size()) return end;
        return std::max(end, value_at(next, pair, kind));
    }

    std::size_t value_at(std::size_t begin, const Pair& pair, NameKind kind) {
        bool escaped = at(begin) == '\\' && is_quote(at(begin + 1));
        if (escaped || is_quote(at(begin))) return quoted_value(begin, escaped);
        // An object, a list, or what was hidden before. Nothing past the first
        // byte is looked at, so that no text is read once for each name in it.
        if (at(begin) == '{' || at(begin) == '[') return begin;
        std::size_t end = 0;
        if (is_header_with_spaces(pair.name))
            end = skip(begin, [](char c) { return !is_break(c) && !is_quote(c); });
        else
            end = skip(begin, [](char c) { return !is_space(c) && !is_break(c) && !is_quote(c) && c != '&'; });
        std::string_view value = text_.substr(begin, end - begin);
        if (value.empty() || !worth_hiding(value, pair, kind)) return begin;
        out_.push_back({begin, end});
        return end;
    }

    std::size_t quoted_value(std::size_t begin, bool escaped) {
        std::size_t open = begin + (escaped ? 1 : 0);
        char quote = text_[open];
        std::size_t end = open + 1;
        if (escaped) {
            while (end < text_.size() && !(text_[end] == '\\' && at(end + 1) == quote)) ++end;
        } else {
            while (end < text_.size() && text_[end] != quote) end += text_[end] == '\\' ? 2U : 1U;
            end = std::min(end, text_.size());
        }
        if (end > open + 1) out_.push_back({open + 1, end});
        return end;
    }

    static bool worth_hiding(std::string_view value, const Pair& pair, NameKind kind) {
        if (value.size() > 40) return true;  // no word, no number
        if (pair.separator == ' ') return value.front() != '-';
        bool numeric = value.find_first_not_of("0123456789,}] ") == std::string_view::npos;
        if (numeric) return kind == NameKind::secret_any;
        if (pair.separator != ':' || is_header_with_spaces(pair.name)) return true;
        bool word = std::all_of(value.begin(), value.end(), [](char c) {
            return (c >= 'a' && c <= 'z') || c == ',' || c == '.' || c == ';' || c == ':' || c == '}' || c == ']';
        });
        return !word || (!pair.quoted_name && pair.name.find('-') != std::string_view::npos);
    }

    std::string_view text_;
    Spans& out_;
};

}  // namespace

void find_assignments(std::string_view text, Spans& out) {
    Scanner(text, out).run();
}

}  // namespace acp::redact
