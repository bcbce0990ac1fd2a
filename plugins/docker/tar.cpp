#include "tar.h"

#include <array>
#include <cstdio>
#include <cstring>
#include <ctime>

namespace acp::docker {

namespace {

constexpr std::size_t kBlock = 512;

struct Header {
    std::array<char, kBlock> bytes{};

    void text(std::size_t at, std::size_t size, const std::string& value) {
        std::memcpy(bytes.data() + at, value.data(), std::min(size, value.size()));
    }
    /// `size` bytes: octal digits and a closing NUL.
    void octal(std::size_t at, std::size_t size, unsigned long long value) {
        std::array<char, 32> digits{};
        const int n = std::snprintf(digits.data(), digits.size(), "%0*llo", static_cast<int>(size - 1), value);
        std::memcpy(bytes.data() + at, digits.data(), std::min<std::size_t>(static_cast<std::size_t>(n), size - 1));
    }
};

/// ustar header, POSIX.1-1988 layout.
void add_entry(std::string& out, char type, const std::string& name, const std::string& content) {
    Header h;
    h.text(0, 100, name);
    h.octal(100, 8, 0644);
    h.octal(108, 8, 0);
    h.octal(116, 8, 0);
    h.octal(124, 12, content.size());
    h.octal(136, 12, static_cast<unsigned long long>(std::time(nullptr)));
    h.bytes[156] = type;
    h.text(257, 8, std::string("ustar\00000", 8));
    h.text(148, 8, "        ");
    unsigned long long sum = 0;
    for (const char c : h.bytes) sum += static_cast<unsigned char>(c);
    h.octal(148, 7, sum);
    out.append(h.bytes.data(), h.bytes.size());
    out.append(content);
    out.append((kBlock - content.size() % kBlock) % kBlock, '\0');
}

/// A pax record counts its own length: "27 path=...\n".
std::string pax_record(const std::string& key, const std::string& value) {
    const std::size_t rest = key.size() + value.size() + 3;
    std::size_t length = rest + 1;
    while (std::to_string(length).size() + rest != length) length = std::to_string(length).size() + rest;
    return std::to_string(length) + " " + key + "=" + value + "\n";
}

}  // namespace

std::string make_tar(const json::Pairs& files) {
    std::string out;
    for (const auto& [path, content] : files) {
        const std::string name = path.substr(1);
        // Names beyond ustar's 100 bytes, or beyond ASCII, need the extended header.
        bool plain = name.size() <= 100;
        for (const char c : name) plain = plain && c >= 0x20 && c < 0x7f;
        if (!plain) add_entry(out, 'x', "pax-header", pax_record("path", name));
        add_entry(out, '0', plain ? name : "file", content);
    }
    out.append(2 * kBlock, '\0');
    return out;
}

}  // namespace acp::docker
