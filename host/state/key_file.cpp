#include "state/key_file.h"

#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/secret_file.h"

namespace acp::state {

namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kMostKeys = 8;
constexpr std::string_view kNames = "names ";

tl::unexpected<Error> wrong(const std::string& what) {
    return fail(Code::invalid, "state_key", what);
}

}  // namespace

KeySet::~KeySet() {
    for (auto& key : sealing) wipe(key);
    wipe(naming);
}

Result<KeySet> parse_keys(const std::string& text) {
    KeySet keys;
    std::string last;
    std::string_view rest = text;
    for (std::size_t number = 1; !rest.empty(); ++number) {
        const auto end = rest.find('\n');
        std::string_view line = rest.substr(0, end);
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.empty() || line.front() == '#') continue;
        const bool names_only = line.starts_with(kNames);
        if (names_only) line.remove_prefix(kNames.size());
        auto key = unbase64url(line);
        if (!key || key->size() != kKeyBytes) return wrong("line " + std::to_string(number) + " is no key: 32 bytes in base64url are 43 characters");
        if (!names_only) {
            if (keys.sealing.size() == kMostKeys)
                return wrong("more than " + std::to_string(kMostKeys) + " keys; remove those that are no longer used");
            wipe(last);
            last = *key;
            keys.sealing.push_back(std::move(*key));
        } else if (keys.naming.empty()) {
            keys.naming = std::move(*key);
        } else {
            return wrong("line " + std::to_string(number) + " is a second key for names; keep one");
        }
    }
    if (keys.sealing.empty()) return wrong("there is no key to seal with");
    if (keys.naming.empty()) keys.naming = last;
    wipe(last);
    return keys;
}

Result<KeySet> read_keys(const std::filesystem::path& file) {
    auto text = read_secret_file(file);
    if (!text) return fail(text.error());
    auto keys = parse_keys(*text);
    wipe(*text);
    if (!keys) return wrong("the key file " + file.string() + ": " + keys.error().message);
    return keys;
}

Result<KeySet> read_or_make_keys(const std::filesystem::path& file) {
    auto keys = read_keys(file);
    if (keys || keys.error().code != Code::not_found) return keys;
    std::string text = random_token(kKeyBytes) + "\n";
    auto made = make_secret_file(file, text);
    wipe(text);
    if (!made) return fail(made.error());
    return read_keys(file);
}

KeySet random_keys() {
    KeySet keys;
    keys.sealing.emplace_back(kKeyBytes, '\0');
    random_bytes(keys.sealing[0].data(), kKeyBytes);
    keys.naming.assign(kKeyBytes, '\0');
    random_bytes(keys.naming.data(), kKeyBytes);
    return keys;
}

}  // namespace acp::state
