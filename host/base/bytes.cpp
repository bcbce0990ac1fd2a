#include "base/bytes.h"

#include <cstdlib>
#include <cstring>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/clock.h"

namespace acp {

namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kHex = "0123456789abcdef";

int base64url_value(char c) noexcept {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '-') return 62;
    if (c == '_') return 63;
    return -1;
}

int hex_value(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

Sha256 sha256(std::string_view data) {
    Sha256 out{};
    unsigned length = 0;
    if (EVP_Digest(data.data(), data.size(), out.data(), &length, EVP_sha256(), nullptr) != 1) std::abort();
    return out;
}

std::string hex(std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size() * 2);
    for (char byte : bytes) {
        auto c = static_cast<unsigned char>(byte);
        out.push_back(kHex[c >> 4]);
        out.push_back(kHex[c & 15]);
    }
    return out;
}

std::string sha256_hex(std::string_view data) {
    Sha256 digest = sha256(data);
    return hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

std::optional<std::string> unhex(std::string_view text) {
    if (text.size() % 2 != 0) return std::nullopt;
    std::string out;
    out.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        int high = hex_value(text[i]);
        int low = hex_value(text[i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        out.push_back(static_cast<char>(high * 16 + low));
    }
    return out;
}

std::string base64url(std::string_view bytes) {
    std::string out;
    out.reserve((bytes.size() * 4 + 2) / 3);
    std::uint32_t window = 0;
    int bits = 0;
    for (char byte : bytes) {
        auto c = static_cast<unsigned char>(byte);
        window = (window << 8) | c;
        bits += 8;
        while (bits >= 6) {
            bits -= 6;
            out.push_back(kAlphabet[(window >> bits) & 63]);
        }
    }
    if (bits > 0) out.push_back(kAlphabet[(window << (6 - bits)) & 63]);
    return out;
}

std::optional<std::string> unbase64url(std::string_view text) {
    if (text.size() % 4 == 1) return std::nullopt;
    std::string out;
    out.reserve(text.size() * 3 / 4);
    std::uint32_t window = 0;
    int bits = 0;
    for (char c : text) {
        int value = base64url_value(c);
        if (value < 0) return std::nullopt;
        window = (window << 6) | static_cast<std::uint32_t>(value);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out.push_back(static_cast<char>((window >> bits) & 255));
        }
    }
    if ((window & ((1U << bits) - 1)) != 0) return std::nullopt;
    return out;
}

void random_bytes(void* out, std::size_t count) {
    // Going on without randomness would mint guessable identifiers.
    if (RAND_bytes(static_cast<unsigned char*>(out), static_cast<int>(count)) != 1) std::abort();
}

std::string random_token(std::size_t count) {
    std::string raw(count, '\0');
    random_bytes(raw.data(), raw.size());
    return base64url(raw);
}

std::string uuid7() {
    std::array<std::uint8_t, 16> b{};
    random_bytes(b.data(), b.size());
    auto ms = static_cast<std::uint64_t>(unix_ms());
    for (std::size_t i = 0; i < 6; ++i) b.at(i) = static_cast<std::uint8_t>(ms >> (40 - 8 * i));
    b[6] = static_cast<std::uint8_t>((b[6] & 0x0f) | 0x70);
    b[8] = static_cast<std::uint8_t>((b[8] & 0x3f) | 0x80);
    std::string text = hex({reinterpret_cast<const char*>(b.data()), b.size()});
    for (std::size_t at : {8U, 13U, 18U, 23U}) text.insert(at, 1, '-');
    return text;
}

bool equal_constant_time(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void wipe(std::string& s) noexcept {
    OPENSSL_cleanse(s.data(), s.size());
    s.clear();
}

namespace {

/// Length of the well-formed UTF-8 character at the start of `s`, 0 if there is none.
std::size_t utf8_character(std::string_view s) noexcept {
    const auto lead = static_cast<unsigned char>(s[0]);
    if (lead < 0x80) return 1;
    std::size_t more = 0;
    unsigned char low = 0x80, high = 0xbf;  // bounds of the second byte
    if (lead >= 0xc2 && lead <= 0xdf) {
        more = 1;
    } else if (lead >= 0xe0 && lead <= 0xef) {
        more = 2;
        if (lead == 0xe0) low = 0xa0;
        if (lead == 0xed) high = 0x9f;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
        more = 3;
        if (lead == 0xf0) low = 0x90;
        if (lead == 0xf4) high = 0x8f;
    }
    if (more == 0 || s.size() <= more) return 0;
    for (std::size_t i = 1; i <= more; ++i) {
        const auto c = static_cast<unsigned char>(s[i]);
        if (c < low || c > high) return 0;
        low = 0x80;
        high = 0xbf;
    }
    return more + 1;
}

}  // namespace

std::string ascii_lower(std::string_view s) {
    std::string out(s);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

bool is_utf8(std::string_view s) noexcept {
    while (!s.empty()) {
        // Eight characters of ASCII at a time: most text is nothing else.
        std::uint64_t eight = 0;
        if (s.size() >= sizeof eight) {
            std::memcpy(&eight, s.data(), sizeof eight);
            if ((eight & 0x8080808080808080U) == 0) {
                s.remove_prefix(sizeof eight);
                continue;
            }
        }
        const std::size_t length = utf8_character(s);
        if (length == 0) return false;
        s.remove_prefix(length);
    }
    return true;
}

std::string repair_utf8(std::string_view s) {
    std::string out;
    out.reserve(s.size());
    while (!s.empty()) {
        const std::size_t length = utf8_character(s);
        if (length == 0)
            out += "\xef\xbf\xbd";
        else
            out += s.substr(0, length);
        s.remove_prefix(length == 0 ? 1 : length);
    }
    return out;
}

}  // namespace acp
