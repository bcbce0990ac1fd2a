#include "auth/host_identity.h"

#include <array>
#include <vector>

#include "base/bytes.h"
#include "identity/claims.h"
#include "identity/foreign.h"
#include "json/json.h"
#include "log/log.h"

namespace acp::auth {

namespace {

// RFC 8628 section 6.1: consonants alone, so that no word comes out; 34 bits in eight.
constexpr std::string_view kCodeLetters = "BCDFGHJKLMNPQRSTVWXZ";
constexpr std::string_view kSpace = "flow";
constexpr std::size_t kCodeLength = 8;
constexpr std::size_t kHandleBytes = 32;
constexpr int kCodeTries = 5;

/// Where a flow's handle or code lies. A code counts however it is typed: in lower
/// case, with dashes and spaces or without. An alias has no "/" in it.
std::string key_of(std::string_view flow, std::string_view handle) {
    std::string letters;
    for (const char c : handle) {
        if (c == '-' || c == ' ') continue;
        letters += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        if (letters.size() > kCodeLength) break;
    }
    if (letters.size() == kCodeLength && letters.find_first_not_of(kCodeLetters) == std::string::npos) return std::string(flow) + "/code:" + letters;
    return std::string(flow) + "/handle:" + std::string(handle.substr(0, 256));
}

std::string fresh_code() {
    std::string code;
    while (code.size() < kCodeLength) {
        std::uint8_t byte = 0;
        random_bytes(&byte, 1);
        // 240 is the last multiple of 20 in a byte: beyond it some letters would come more often.
        if (byte < 240) code += kCodeLetters[byte % kCodeLetters.size()];
    }
    return code;
}

tl::unexpected<Error> unknown() { return fail(Code::not_found, "state_not_found", "nothing is kept under this handle: it is unknown, taken or expired"); }

}  // namespace

FlowIdentity::FlowIdentity(Settings settings, identity::VerifierParts parts, state::Store& store, SecurityLog& security,
                           std::map<std::string, jose::PrivateKey, std::less<>> assertion_keys, std::function<std::int64_t()> now_unix_ms)
    : settings_(std::move(settings)),
      parts_(std::move(parts)),
      store_(store),
      security_(security),
      assertion_keys_(std::move(assertion_keys)),
      now_ms_(std::move(now_unix_ms)),
      tokens_(store, now_ms_) {}

Result<void> FlowIdentity::check_own(const jose::Compact& token, std::string_view audience, std::span<const std::string_view> types) const {
    if (!parts_.keys->signed_here(token)) return identity::invalid_token("signature");
    const auto times = identity::check_claims(token, {settings_.issuer, {&audience, 1}, types, settings_.leeway_s, true}, now_ms_() / 1000);
    if (!times) return fail(times.error());
    const auto keys = identity::revocation_keys(settings_.issuer, json::text_or(token.claims, "sub"), json::text_or(token.claims, "jti"), times->issued_unix_s);
    if (parts_.revocations->revoked(keys)) return identity::invalid_token("revoked");
    return {};
}

Result<std::string> FlowIdentity::verify(const plugins::CallContext&, const plugins::TokenCheck& check) {
    const auto token = jose::parse(check.token);
    if (!token) return fail(token.error());
    std::string type = ascii_lower(check.type);
    if (type.starts_with("application/")) type.erase(0, std::string_view("application/").size());
    std::vector<std::string_view> types = {type};
    if (type.empty()) types.emplace_back("jwt");

    if (check.issuer.empty() || check.issuer == settings_.issuer) {
        if (auto sound = check_own(*token, check.audience, types); !sound) return fail(std::move(sound.error()));
    } else {
        const std::string issuer(check.issuer), jwks_url(check.jwks_url);
        if (!jwks_url.empty())
            if (auto good = identity::check_key_url(jwks_url, issuer); !good) return fail(std::move(good.error()));
        static const std::vector<jose::Algorithm> algorithms = identity::TrustedIssuer{}.algorithms;
        const identity::ForeignRules rules{
            {issuer, jwks_url, std::string(check.ca_file)}, algorithms, {check.issuer, {&check.audience, 1}, types, settings_.leeway_s, true}};
        const auto times = identity::check_foreign(*token, rules, parts_.trusted->keys(), now_ms_() / 1000);
        if (!times) return fail(times.error());
    }
    if (!check.nonce.empty() && !equal_constant_time(json::text_or(token->claims, "nonce"), check.nonce)) return identity::invalid_token("nonce");
    return json::dump(token->claims);
}

Result<std::string> FlowIdentity::assertion(const plugins::CallContext&, const plugins::AssertionWanted& wanted) {
    // What this server says of itself as an issuer no flow may say.
    if (wanted.client_id == settings_.issuer) return fail(Code::forbidden, "assertion_refused", "an assertion cannot be in the name of this server");
    const std::int64_t now = now_ms_() / 1000;
    const std::string payload = json::dump(json::object({{"iss", std::string(wanted.client_id)},
                                                         {"sub", std::string(wanted.client_id)},
                                                         {"aud", std::string(wanted.audience)},
                                                         {"jti", random_token(16)},
                                                         {"iat", now},
                                                         {"nbf", now},
                                                         {"exp", now + std::int64_t{wanted.ttl_s}}}));
    if (wanted.key.empty()) return parts_.keys->sign("JWT", payload);
    const auto key = assertion_keys_.find(wanted.key);
    if (key == assertion_keys_.end()) return fail(Code::not_found, "key_not_found", "there is no key '" + std::string(wanted.key.substr(0, 64)) + "' for assertions");
    return key->second.sign("JWT", payload, jose::PrivateKey::Kid::unnamed);
}

Result<std::string> FlowIdentity::token_once(const plugins::CallContext& call, std::string_view flow, std::string_view key, std::int64_t least_left_s,
                                             const Fetch& fetch) {
    return tokens_.get(call, flow, key, least_left_s, fetch);
}

Result<std::string> FlowIdentity::state_put(const plugins::CallContext&, std::string_view flow, std::string_view value_json, std::int64_t ttl_s) {
    std::string handle = random_token(kHandleBytes);
    const auto kept = store_.put({kSpace, key_of(flow, handle), value_json, ttl_s * 1000, state::If::absent, 0});
    if (!kept) return fail(kept.error());
    return handle;
}

Result<std::string> FlowIdentity::state_put_code(const plugins::CallContext&, std::string_view flow, std::string_view value_json, std::int64_t ttl_s) {
    for (int tried = 0; tried < kCodeTries; ++tried) {
        const std::string code = fresh_code();
        const auto kept = store_.put({kSpace, key_of(flow, code), value_json, ttl_s * 1000, state::If::absent, 0});
        if (kept) return code.substr(0, kCodeLength / 2) + "-" + code.substr(kCodeLength / 2);
        if (kept.error().code != Code::conflict) return fail(kept.error());
    }
    return fail(Code::exhausted, "codes_exhausted", "no code is free; try again later");
}

Result<plugins::StateRead> FlowIdentity::state_read(const plugins::CallContext&, std::string_view flow, std::string_view handle) {
    auto entry = store_.get(kSpace, key_of(flow, handle));
    if (!entry) return fail(std::move(entry.error()));
    if (!*entry) return unknown();
    return plugins::StateRead{std::move((*entry)->value), (*entry)->version};
}

Result<void> FlowIdentity::state_replace(const plugins::CallContext&, std::string_view flow, std::string_view handle, std::uint64_t version,
                                         std::string_view value_json) {
    const std::string key = key_of(flow, handle);
    const auto entry = store_.get(kSpace, key);
    if (!entry) return fail(entry.error());
    const std::int64_t left_ms = *entry ? (*entry)->expires_unix_ms - now_ms_() : 0;
    if (left_ms <= 0 || (*entry)->version != version) return fail(Code::conflict, "state_changed", "what is kept under this handle is not what was read");
    const auto kept = store_.put({kSpace, key, value_json, left_ms, state::If::version, version});
    if (!kept) return fail(kept.error());
    return {};
}

Result<std::string> FlowIdentity::state_take(const plugins::CallContext&, std::string_view flow, std::string_view handle) {
    auto entry = store_.take(kSpace, key_of(flow, handle));
    if (!entry) return fail(std::move(entry.error()));
    if (!*entry) return unknown();
    return std::move((*entry)->value);
}

void FlowIdentity::audit(const plugins::CallContext& call, std::string_view flow, std::string_view kind, std::string_view target, std::string_view outcome,
                         std::string_view details_json) noexcept {
    try {
        ledger::SecurityEvent event;
        event.kind = "flow." + std::string(kind.substr(0, 64));
        event.actor = call.principal.empty() ? "flow:" + std::string(flow) : call.principal;
        event.target = target.substr(0, 512);
        event.outcome = outcome.substr(0, 64);
        event.request_id = call.request_id;
        auto details = json::object({{"flow", std::string(flow)}});
        if (const auto more = json::parse_object(details_json)) details->set("flow_details", *more);
        event.details = details;
        security_.note(std::move(event));
    } catch (const std::exception& e) {
        log::error("auth", "a flow's audit row is lost", {{"flow", std::string(flow)}, {"cause", e.what()}});
    }
}

}  // namespace acp::auth
