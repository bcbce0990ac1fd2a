#include "wire/websocket/extension.h"

#include <algorithm>
#include <vector>

#include "wire/http1/parse.h"

namespace acp::wire::websocket {

namespace {

constexpr std::string_view kName = "permessage-deflate";
constexpr std::string_view kServerForgets = "server_no_context_takeover";
constexpr std::string_view kClientForgets = "client_no_context_takeover";
constexpr std::string_view kServerWindow = "server_max_window_bits";
constexpr std::string_view kClientWindow = "client_max_window_bits";
constexpr std::uint8_t kWindowMin = 8;
constexpr std::uint8_t kWindowMax = 15;

struct Parameter {
    std::string_view name;
    std::optional<std::string> value;
};

struct Extension {
    std::string_view name;
    std::vector<Parameter> parameters;
};

/// Reads extension-list of RFC 6455 section 9.1, one field's value at a time.
class ListReader {
public:
    explicit ListReader(std::string_view text) : text_(text) {}

    /// Appends the extensions; false when the text breaks the grammar.
    bool read(std::vector<Extension>& out) {
        for (;;) {
            skip_space();
            if (!text_.empty() && text_.front() != ',' && !read_extension(out.emplace_back())) return false;
            if (text_.empty()) return true;
            if (!take(',')) return false;  // empty elements are skipped: RFC 9110 section 5.6.1
        }
    }

private:
    void skip_space() noexcept { text_.remove_prefix(std::min(text_.find_first_not_of(" \t"), text_.size())); }
    bool take(char c) noexcept {
        skip_space();
        if (text_.empty() || text_.front() != c) return false;
        text_.remove_prefix(1);
        skip_space();
        return true;
    }
    bool read_token(std::string_view& out) noexcept {
        const std::string_view token = text_.substr(0, text_.find_first_of(" \t,;=\""));
        text_.remove_prefix(token.size());
        out = token;
        return http1::is_token(token);
    }
    /// A quoted value must be a token once its escapes are undone.
    bool read_quoted(std::string& out) {
        text_.remove_prefix(1);
        while (!text_.empty() && text_.front() != '"') {
            if (text_.front() == '\\') text_.remove_prefix(1);
            if (text_.empty()) return false;
            out += text_.front();
            text_.remove_prefix(1);
        }
        if (text_.empty()) return false;
        text_.remove_prefix(1);
        skip_space();
        return http1::is_token(out);
    }
    bool read_extension(Extension& out) {
        if (!read_token(out.name)) return false;
        skip_space();
        while (take(';')) {
            Parameter& parameter = out.parameters.emplace_back();
            if (!read_token(parameter.name)) return false;
            if (!take('=')) continue;
            std::string& value = parameter.value.emplace();
            if (!text_.empty() && text_.front() == '"') {
                if (!read_quoted(value)) return false;
                continue;
            }
            std::string_view token;
            if (!read_token(token)) return false;
            value = token;
            skip_space();
        }
        return true;
    }

    std::string_view text_;
};

bool read_all(std::span<const std::string_view> fields, std::vector<Extension>& out) {
    return std::all_of(fields.begin(), fields.end(),
                       [&](std::string_view field) { return ListReader(field).read(out); });
}

/// The parameters of one permessage-deflate; windows are 0 when absent.
struct Terms {
    bool server_forgets = false;
    bool client_forgets = false;
    bool client_window_named = false;
    std::uint8_t server_window = 0;
    std::uint8_t client_window = 0;
};

/// 8 to 15 without leading zero (RFC 7692 section 7.1.2); 0 for anything else.
std::uint8_t window_bits(std::string_view digits) noexcept {
    if (digits.empty() || digits.size() > 2 || digits.front() == '0') return 0;
    unsigned value = 0;
    for (const char c : digits) {
        if (c < '0' || c > '9') return 0;
        value = value * 10 + static_cast<unsigned>(c - '0');
    }
    return value >= kWindowMin && value <= kWindowMax ? static_cast<std::uint8_t>(value) : std::uint8_t{0};
}

bool read_flag(const Parameter& parameter, bool& flag) noexcept {
    if (flag || parameter.value) return false;
    flag = true;
    return true;
}

bool read_window(const Parameter& parameter, std::uint8_t& bits) noexcept {
    if (bits != 0 || !parameter.value) return false;
    bits = window_bits(*parameter.value);
    return bits != 0;
}

/// nullopt when a parameter is unknown, repeated or malformed.
std::optional<Terms> read_terms(const Extension& extension) noexcept {
    Terms terms;
    for (const Parameter& parameter : extension.parameters) {
        bool good = false;
        if (parameter.name == kServerForgets) {
            good = read_flag(parameter, terms.server_forgets);
        } else if (parameter.name == kClientForgets) {
            good = read_flag(parameter, terms.client_forgets);
        } else if (parameter.name == kServerWindow) {
            good = read_window(parameter, terms.server_window);
        } else if (parameter.name == kClientWindow) {
            // Without a value it offers to take whatever the server names; a
            // response must name it, which the client side checks.
            good = !terms.client_window_named && (!parameter.value || read_window(parameter, terms.client_window));
            terms.client_window_named = true;
        }
        if (!good) return std::nullopt;
    }
    return terms;
}

void append_window(std::string& out, std::string_view name, std::uint8_t bits) {
    out.append("; ").append(name).append("=").append(std::to_string(bits));
}

}  // namespace

Negotiated choose_deflate(std::span<const std::string_view> fields, const Deflate& wanted) {
    Negotiated out;
    std::vector<Extension> offers;
    out.failed = !read_all(fields, offers);
    if (out.failed) return out;
    for (const Extension& offer : offers) {
        if (offer.name != kName) continue;
        const std::optional<Terms> terms = read_terms(offer);
        if (!terms || terms->server_window == kWindowMin) continue;
        Deflate agreed = wanted;
        agreed.server_no_context_takeover |= terms->server_forgets;
        agreed.client_no_context_takeover |= terms->client_forgets;
        out.answer = kName;
        if (agreed.server_no_context_takeover) out.answer.append("; ").append(kServerForgets);
        if (agreed.client_no_context_takeover) out.answer.append("; ").append(kClientForgets);
        // A window is only named to a client that named it: for the client's own
        // that is required (section 7.1.2.2), and the server's may be smaller
        // than what the client provides for.
        agreed.server_max_window_bits = kWindowMax;
        if (terms->server_window != 0) {
            agreed.server_max_window_bits = std::min(wanted.server_max_window_bits, terms->server_window);
            append_window(out.answer, kServerWindow, agreed.server_max_window_bits);
        }
        agreed.client_max_window_bits = kWindowMax;
        if (terms->client_window_named) {
            const std::uint8_t offered = terms->client_window != 0 ? terms->client_window : kWindowMax;
            agreed.client_max_window_bits = std::min(wanted.client_max_window_bits, offered);
            append_window(out.answer, kClientWindow, agreed.client_max_window_bits);
        }
        out.deflate = agreed;
        return out;
    }
    return out;
}

std::string deflate_offer(const Deflate& wanted) {
    std::string out(kName);
    if (wanted.server_no_context_takeover) out.append("; ").append(kServerForgets);
    if (wanted.client_no_context_takeover) out.append("; ").append(kClientForgets);
    if (wanted.server_max_window_bits < kWindowMax) append_window(out, kServerWindow, wanted.server_max_window_bits);
    if (wanted.client_max_window_bits < kWindowMax) {
        append_window(out, kClientWindow, wanted.client_max_window_bits);
    } else {
        out.append("; ").append(kClientWindow);
    }
    return out;
}

Negotiated read_deflate_answer(std::span<const std::string_view> fields, const std::optional<Deflate>& offered) {
    Negotiated out;
    std::vector<Extension> answers;
    out.failed = !read_all(fields, answers) || answers.size() > (offered ? 1U : 0U);
    if (out.failed || answers.empty()) return out;
    out.failed = true;
    const std::optional<Terms> terms = read_terms(answers.front());
    if (answers.front().name != kName || !terms) return out;
    // Sections 7.1.1.1 and 7.1.2.1: what was asked of the server must be confirmed.
    if (offered->server_no_context_takeover && !terms->server_forgets) return out;
    if (offered->server_max_window_bits < kWindowMax && terms->server_window == 0) return out;
    if (terms->server_window > offered->server_max_window_bits) return out;
    if (terms->client_window_named && terms->client_window == 0) return out;
    if (terms->client_window > offered->client_max_window_bits) return out;
    Deflate agreed;
    agreed.server_no_context_takeover = terms->server_forgets;
    agreed.client_no_context_takeover = terms->client_forgets || offered->client_no_context_takeover;
    agreed.server_max_window_bits = terms->server_window != 0 ? terms->server_window : kWindowMax;
    agreed.client_max_window_bits = terms->client_window != 0 ? terms->client_window : offered->client_max_window_bits;
    out.deflate = agreed;
    out.failed = false;
    return out;
}

}  // namespace acp::wire::websocket
