#include "workloads/preference.h"

#include <algorithm>
#include <charconv>

#include "base/bytes.h"

namespace acp::workloads {

namespace {

constexpr std::int64_t kLongestWaitS = 300;
constexpr std::size_t kLongestKey = 128;

std::string_view trim(std::string_view s) noexcept {
    while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
    while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
    return s;
}

}  // namespace

std::int64_t wait_ms(std::string_view prefer, std::int64_t fallback_ms) noexcept {
    std::int64_t ms = fallback_ms;
    while (!prefer.empty()) {
        auto comma = prefer.find(',');
        std::string_view item = trim(prefer.substr(0, comma));
        prefer = comma == std::string_view::npos ? std::string_view() : prefer.substr(comma + 1);
        if (item == "respond-async") {
            ms = 0;
        } else if (item.starts_with("wait=")) {
            item.remove_prefix(5);
            std::int64_t seconds = 0;
            auto [end, error] = std::from_chars(item.data(), item.data() + item.size(), seconds);
            if (error == std::errc() && end == item.data() + item.size() && seconds >= 0)
                return std::min(seconds, kLongestWaitS) * 1000;
        }
    }
    return ms;
}

Result<std::optional<ledger::IdempotencyClaim>> idempotency_claim(const dispatch::Context& context) {
    std::string_view key = context.field("idempotency-key");
    if (key.data() == nullptr) return std::optional<ledger::IdempotencyClaim>();
    if (key.size() >= 2 && key.front() == '"' && key.back() == '"') key = key.substr(1, key.size() - 2);
    const bool good = !key.empty() && key.size() <= kLongestKey &&
                      std::all_of(key.begin(), key.end(), [](char c) { return c > 0x20 && c < 0x7f && c != '"'; });
    if (!good)
        return fail(Code::invalid, "bad_idempotency_key", "Idempotency-Key must be 1 to 128 visible ASCII characters");
    ledger::IdempotencyClaim claim;
    claim.principal = context.principal->subject;
    claim.key = key;
    claim.fingerprint = sha256_hex(context.method + "\n" + context.path + "\n" + context.raw_query + "\n" + context.body);
    return std::optional<ledger::IdempotencyClaim>(std::move(claim));
}

}  // namespace acp::workloads
