#include "redact/names.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace acp::redact {

namespace {

using Word = std::string_view;

/// A word that makes the whole name secret, wherever it stands.
constexpr auto kSecret =
    std::to_array<Word>({"password", "passwords",  "passwd",      "pwd",        "secret", "secrets",       "token",
                         "tokens",   "credential", "credentials", "cred",       "creds",  "authorization", "cookie",
                         "cookies",  "kubeconfig", "jwt",         "passphrase", "bearer", "dsn",           "auths"});

/// Parts of words written without a separator: PGPASSWORD, dbpassword, apikey.
constexpr auto kGlued = std::to_array<Word>({"password", "passwd", "passphrase", "secret", "credential", "accesskey",
                                             "privatekey", "apikey", "kubeconfig", "connectionstring"});

/// A last word that describes a secret and is none: secret_name, token_type.
constexpr auto kDescribing = std::to_array<Word>(
    {"name",     "names",       "id",         "ids",       "type",    "types",    "kind",     "endpoint", "endpoints",
     "url",      "uri",         "count",      "counts",    "length",  "size",     "sizes",    "limit",    "limits",
     "bytes",    "budget",      "file",       "files",     "path",    "paths",    "dir",      "mount",    "version",
     "versions", "algorithm",   "algorithms", "alg",       "ttl",     "expiry",   "expires",  "age",      "seconds",
     "ms",       "minutes",     "hours",      "days",      "at",      "policy",   "status",   "state",    "enabled",
     "required", "optional",    "allowed",    "supported", "format",  "encoding", "usage",    "issuer",   "audience",
     "scope",    "scopes",      "provider",   "store",     "backend", "engine",   "selector", "method",   "mode",
     "source",   "fingerprint", "thumbprint", "domain",    "site",    "rotation", "cache",    "env",      "expiration",
     "lifetime", "rate"});

constexpr auto kReference = std::to_array<Word>({"ref", "refs", "reference", "references"});

/// What stands before `key` or `keys` where it names no cryptographic key.
constexpr auto kPlainKey = std::to_array<Word>(
    {"primary", "partition", "sort",     "foreign", "public",     "idempotency", "cache",   "row",
     "object",  "group",     "routing",  "map",     "label",      "config",      "dedup",   "lookup",
     "shard",   "ordering",  "message",  "topic",   "event",      "range",       "index",   "delete",
     "deleted", "required",  "unknown",  "missing", "annotation", "updated",     "changed", "removed",
     "added",   "allowed",   "selector", "unique",  "join"});

/// What stands before plural `keys` where they are secret; bare `keys` is a
/// list of member names or a JWKS.
constexpr auto kSecretKeys = std::to_array<Word>({"api", "access", "private", "ssh", "signing", "encryption", "master",
                                                  "shared", "storage", "account", "service", "license", "host"});

/// Whole names that the rules would hide.
constexpr auto kHarmless = std::to_array<Word>({"env_from_secrets", "image_pull_secrets", "rotate_secret",
                                                "rotate_secrets", "list_secrets", "delete_secrets", "missing_secrets"});

template <std::size_t N>
bool in(const std::array<Word, N>& set, Word word) {
    return std::find(set.begin(), set.end(), word) != set.end();
}

bool is_upper(char c) noexcept {
    return c >= 'A' && c <= 'Z';
}
bool is_lower(char c) noexcept {
    return c >= 'a' && c <= 'z';
}
bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}
char lower(char c) noexcept {
    return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Lower-case words, joined by '_' in one string. Digits at a word's end are
/// dropped (key2), a word of digits alone vanishes.
std::string normalised(std::string_view name) {
    std::string out;
    out.reserve(name.size() + 8);
    auto end_word = [&out] {
        while (!out.empty() && is_digit(out.back())) out.pop_back();
        if (!out.empty() && out.back() != '_') out.push_back('_');
    };
    for (std::size_t i = 0; i < name.size(); ++i) {
        char c = name[i];
        if (!is_upper(c) && !is_lower(c) && !is_digit(c)) {
            end_word();
            continue;
        }
        // apiKey splits before K; in APIKey the last capital starts the word.
        bool starts = is_upper(c) && i > 0 &&
                      (is_lower(name[i - 1]) || is_digit(name[i - 1]) ||
                       (is_upper(name[i - 1]) && i + 1 < name.size() && is_lower(name[i + 1])));
        if (starts) end_word();
        out.push_back(lower(c));
    }
    end_word();
    if (!out.empty()) out.pop_back();
    return out;
}

std::vector<Word> split(std::string_view text) {
    std::vector<Word> words;
    while (!text.empty()) {
        std::size_t end = std::min(text.find('_'), text.size());
        words.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return words;
}

bool is_secret_word(Word word) {
    if (in(kSecret, word)) return true;
    if (word.ends_with("token") || word.ends_with("cookie")) return true;
    return std::any_of(kGlued.begin(), kGlued.end(), [word](Word part) { return word.find(part) != Word::npos; });
}

/// Pairs and positions that make a name secret although no single word does.
bool is_secret_phrase(const std::vector<Word>& words, std::size_t i) {
    Word word = words[i];
    Word before = i > 0 ? words[i - 1] : Word();
    bool last = i + 1 == words.size();
    if (word == "key") return !in(kPlainKey, before);
    if (word == "keys") return in(kSecretKeys, before);
    if (word == "string" || word == "str") return before == "connection" || before == "conn";
    if (word == "connstr") return true;
    if (word == "pass" || word == "psk") return last;
    if (word == "private") return last || words[i + 1] == "pem" || words[i + 1] == "jwk" || words[i + 1] == "data";
    if (word == "auth") return last && (i == 0 || before == "registry" || before == "basic" || before == "proxy");
    return false;
}

}  // namespace

NameKind classify(std::string_view name) {
    name = name.substr(0, 256);
    if (name == "PWD" || name == "OLDPWD") return NameKind::plain;  // the shell's working directory
    std::string joined = normalised(name);
    if (joined.empty() || in(kHarmless, joined)) return NameKind::plain;
    std::vector<Word> words = split(joined);
    Word last = words.back();
    if (in(kReference, last)) return NameKind::reference;
    // A Vault AppRole secret_id is a credential in spite of its name.
    if (joined == "secret_id") return NameKind::secret_any;
    if (in(kDescribing, last)) return NameKind::plain;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (!is_secret_word(words[i]) && !is_secret_phrase(words, i)) continue;
        bool names_one = i + 1 == words.size() && !last.ends_with('s');
        bool counts = words.front() == "max" || words.front() == "min" || words.front() == "num";
        return names_one && !counts ? NameKind::secret_any : NameKind::secret;
    }
    return NameKind::plain;
}

bool is_header_with_spaces(std::string_view name) {
    std::string joined = normalised(name.substr(0, 64));
    return joined.ends_with("authorization") || joined.ends_with("cookie");
}

}  // namespace acp::redact
