#include "redact/shapes.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "base/bytes.h"

namespace acp::redact {

namespace {

constexpr std::size_t npos = std::string_view::npos;

bool is_upper(char c) noexcept {
    return c >= 'A' && c <= 'Z';
}
bool is_lower(char c) noexcept {
    return c >= 'a' && c <= 'z';
}
bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}
bool is_alnum(char c) noexcept {
    return is_upper(c) || is_lower(c) || is_digit(c);
}
bool is_base64url(char c) noexcept {
    return is_alnum(c) || c == '-' || c == '_';
}
bool is_base64(char c) noexcept {
    return is_alnum(c) || c == '+' || c == '/';
}
/// RFC 9110 section 11.2, token68.
bool is_token68(char c) noexcept {
    return is_base64url(c) || c == '.' || c == '~' || c == '+' || c == '/' || c == '=';
}
bool is_space(char c) noexcept {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
bool ends_url(char c) noexcept {
    return is_space(c) || c == '"' || c == '\'' || c == '<' || c == '>' || c == '`';
}

template <typename Pred>
std::size_t run_end(std::string_view text, std::size_t at, Pred pred) {
    while (at < text.size() && pred(text[at])) ++at;
    return at;
}

bool has_prefix_nocase(std::string_view text, std::string_view lower) {
    if (text.size() < lower.size()) return false;
    for (std::size_t i = 0; i < lower.size(); ++i) {
        char c = is_upper(text[i]) ? static_cast<char>(text[i] - 'A' + 'a') : text[i];
        if (c != lower[i]) return false;
    }
    return true;
}

/// Tokens told by their issuer's prefix; `least` counts the bytes after it.
struct Vendor {
    std::string_view prefix;
    std::size_t least;
};
constexpr auto kVendors = std::to_array<Vendor>({
    {"ghp_", 20},     {"gho_", 20},     {"ghu_", 20},
    {"ghs_", 20},     {"ghr_", 20},     {"github_pat_", 20},
    {"glpat-", 16},   {"xoxb-", 10},    {"xoxp-", 10},
    {"xoxa-", 10},    {"xoxr-", 10},    {"xoxs-", 10},
    {"xoxe-", 10},    {"xapp-", 10},    {"sk_live_", 16},
    {"rk_live_", 16}, {"sk_test_", 16}, {"sk-proj-", 20},
    {"sk-ant-", 20},  {"AIza", 35},     {"ya29.", 20},
    {"npm_", 30},     {"hvs.", 20},     {"dop_v1_", 40},
    {"SG.", 40},      {"pypi-", 40},    {"AGE-SECRET-KEY-", 40},
});

/// Collects the ranges of one text. Each scan_* looks at the text from `at`
/// and returns where to go on: `at` itself when nothing of that kind starts
/// there. No scan reads a byte again that an earlier one of its kind read.
class Scanner {
public:
    Scanner(std::string_view text, Spans& out) : text_(text), out_(out) {}

    void run() {
        std::size_t at = 0;
        while (at < text_.size()) {
            std::size_t next = at;
            char c = text_[at];
            if (c == '-') {
                next = scan_pem(at);
            } else if (c == ':') {
                next = scan_userinfo(at);
            } else if (is_alnum(c) && (at == 0 || !is_base64url(text_[at - 1]))) {
                next = scan_word(at);
            }
            at = next > at ? next : at + 1;
        }
        if (saw_aws_id_) scan_aws_secrets();
    }

private:
    std::size_t scan_word(std::size_t at) {
        std::size_t next = at;
        switch (text_[at]) {
            case 'e':
                next = scan_jwt(at);
                break;
            case 'A':
                next = scan_aws_id(at);
                break;
            case 'L':
                next = scan_encoded_pem(at);
                break;
            case 'b':
            case 'B':
                next = scan_scheme(at);
                break;
            default:
                break;
        }
        return next > at ? next : scan_vendor(at);
    }

    std::size_t hide(std::size_t begin, std::size_t end) {
        out_.push_back({begin, end});
        return end;
    }

    /// RFC 7519: header.payload.signature, or the five parts of RFC 7516. The
    /// header is a JSON object, so it starts with eyJ.
    std::size_t scan_jwt(std::size_t at) {
        if (text_.substr(at, 3) != "eyJ") return at;
        std::size_t dots = 0;
        std::size_t end = at;
        for (; end < text_.size() && (is_base64url(text_[end]) || text_[end] == '.'); ++end) dots += text_[end] == '.';
        std::size_t header = text_.substr(at, end - at).find('.');
        return dots >= 2 && header != npos && header >= 10 ? hide(at, end) : end;
    }

    std::size_t scan_aws_id(std::size_t at) {
        std::string_view prefix = text_.substr(at, 4);
        if (prefix != "AKIA" && prefix != "ASIA") return at;
        std::size_t end = run_end(text_, at, is_alnum);
        bool upper = std::none_of(text_.begin() + static_cast<std::ptrdiff_t>(at),
                                  text_.begin() + static_cast<std::ptrdiff_t>(end), is_lower);
        if (end - at != 20 || !upper) return at;
        saw_aws_id_ = true;
        return hide(at, end);
    }

    std::size_t scan_vendor(std::size_t at) {
        std::string_view rest = text_.substr(at);
        for (const Vendor& vendor : kVendors) {
            if (!rest.starts_with(vendor.prefix)) continue;
            std::size_t body = at + vendor.prefix.size();
            std::size_t end = run_end(text_, body, [](char c) { return is_base64url(c) || c == '.'; });
            if (end - body >= vendor.least) return hide(at, end);
        }
        return at;
    }

    /// `Bearer x` and `Basic x` where x can only be a credential: the whole
    /// text, or characters that prose does not have. After a header's name,
    /// assignments.cpp hides the rest of the line anyway.
    std::size_t scan_scheme(std::size_t at) {
        std::string_view rest = text_.substr(at);
        bool bearer = has_prefix_nocase(rest, "bearer ");
        if (!bearer && !has_prefix_nocase(rest, "basic ")) return at;
        std::size_t begin = run_end(text_, at + (bearer ? 7 : 6), [](char c) { return c == ' '; });
        std::size_t end = run_end(text_, begin, is_token68);
        std::string_view value = text_.substr(begin, end - begin);
        if (value.empty()) return at;
        bool whole = at == 0 && end == text_.size();
        if (bearer ? whole || looks_random(value) : is_user_and_password(value)) return hide(begin, end);
        return at;
    }

    static bool looks_random(std::string_view value) {
        if (value.size() < 6) return false;
        return std::any_of(value.begin() + 1, value.end() - 1, [](char c) {
            return is_digit(c) || is_upper(c) || c == '_' || c == '.' || c == '~' || c == '=';
        });
    }

    static std::optional<std::string> decode(std::string_view base64) {
        std::string text(base64.substr(0, base64.find('=')));
        for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
        return unbase64url(text);
    }

    static bool is_user_and_password(std::string_view base64) {
        auto plain = decode(base64);
        bool found = plain && plain->find(':') != npos;
        if (plain) wipe(*plain);
        return found;
    }

    /// RFC 7468 labels, from BEGIN to the end of the matching END line; a cut
    /// block is hidden to the end of the text.
    std::size_t scan_pem(std::size_t at) {
        constexpr std::string_view kBegin = "-----BEGIN ";
        if (!text_.substr(at).starts_with(kBegin)) return run_end(text_, at, [](char c) { return c == '-'; }) - 1;
        std::size_t label = at + kBegin.size();
        std::size_t label_end = run_end(text_, label, [](char c) { return is_upper(c) || is_digit(c) || c == ' '; });
        if (text_.substr(label, label_end - label).find("PRIVATE KEY") == npos) return label_end;
        std::size_t end = text_.find("-----END", label_end);
        if (end == npos) return hide(at, text_.size());
        end = run_end(text_, end + 8, [](char c) { return is_upper(c) || is_digit(c) || c == ' '; });
        return hide(at, run_end(text_, end, [](char c) { return c == '-'; }));
    }

    /// A PEM file in base64, as in a kubeconfig: the label is in the first bytes.
    std::size_t scan_encoded_pem(std::size_t at) {
        if (!text_.substr(at).starts_with("LS0tLS1CRUdJTi")) return at;
        std::size_t end = run_end(text_, at, is_base64);
        auto start = decode(text_.substr(at, std::min<std::size_t>(end - at, 48) / 4 * 4));
        bool is_private = !start || start->find("PRIVATE") != npos;
        return is_private ? hide(at, run_end(text_, end, [](char c) { return c == '='; })) : end;
    }

    /// RFC 3986 section 3.2.1: scheme://user:password@host. A password may hold
    /// a raw '/', '?' or '#', so what follows ':' is a port only when numeric.
    std::size_t scan_userinfo(std::size_t at) {
        if (!text_.substr(at).starts_with("://")) return at;
        std::size_t begin = at + 3;
        std::size_t end =
            run_end(text_, begin, [](char c) { return !ends_url(c) && c != '/' && c != '?' && c != '#'; });
        std::size_t host = text_.substr(begin, end - begin).rfind('@');
        std::size_t colon = text_.substr(begin, end - begin).find(':');
        if (host == npos && colon != npos) {
            std::string_view port = text_.substr(begin + colon + 1, end - begin - colon - 1);
            bool numeric = std::all_of(port.begin(), port.end(), is_digit);
            bool ipv6 = text_[begin] == '[';
            if (!numeric && !ipv6) {
                std::size_t window = std::min(text_.size(), begin + 512);
                end = run_end(text_.substr(0, window), end, [](char c) { return !ends_url(c); });
                host = text_.substr(begin, end - begin).rfind('@');
            }
        }
        if (host == npos) return end;
        if (colon != npos && colon < host) {
            if (colon + 1 < host) hide(begin + colon + 1, begin + host);
        } else if (host >= 16) {
            hide(begin, begin + host);  // a token in the user's place
        }
        return begin + host;
    }

    /// Secret access keys have no prefix; beside an access key id, a run of 40
    /// base64 characters of mixed kinds is taken for one.
    void scan_aws_secrets() {
        for (std::size_t at = 0; at < text_.size();) {
            std::size_t end = run_end(text_, at, is_base64);
            std::string_view word = text_.substr(at, end - at);
            bool mixed = word.size() == 40 && std::any_of(word.begin(), word.end(), is_upper) &&
                         std::any_of(word.begin(), word.end(), is_lower);
            if (mixed) hide(at, end);
            at = end + 1;
        }
    }

    std::string_view text_;
    Spans& out_;
    bool saw_aws_id_ = false;
};

}  // namespace

void find_shapes(std::string_view text, Spans& out) {
    Scanner(text, out).run();
}

}  // namespace acp::redact
