#include "unit/bundle/house.h"

#include <openssl/pem.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include "base/bytes.h"

namespace acp::bundle::test {

namespace {

/// Read-only folders of a store must become writable first.
void open_up(const fs::path& path) {
    std::error_code ec;
    if (fs::is_symlink(path, ec) || !fs::is_directory(path, ec)) return;
    fs::permissions(path, fs::perms::owner_all, ec);
    for (const auto& entry : fs::directory_iterator(path, ec)) open_up(entry.path());
}

}  // namespace

TempDir::TempDir() {
    std::string pattern = (fs::temp_directory_path() / "acp-bundle-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = pattern;
}

TempDir::~TempDir() {
    open_up(path_);
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

fs::path put(const fs::path& file, std::string_view bytes, int mode) {
    std::vector<fs::path> missing;
    for (fs::path folder = file.parent_path(); !fs::exists(folder); folder = folder.parent_path())
        missing.push_back(folder);
    fs::create_directories(file.parent_path());
    for (const auto& folder : missing) fs::permissions(folder, fs::perms(0755));
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
    fs::permissions(file, fs::perms(mode));
    return file;
}

std::string contents(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

Key::Key() : secret(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")), id(key_id(secret.get())) {
    tls::BioPtr bio(BIO_new(BIO_s_mem()));
    PEM_write_bio_PUBKEY(bio.get(), secret.get());
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &bytes);
    pem.assign(bytes, static_cast<std::size_t>(size));
}

Sample::Sample() {
    manifest.id = "com.example.thing";
    manifest.version = "1.4.0";
    manifest.vendor = "Example";
    manifest.platform = this_host().platform;
    manifest.platform.libc_min = "2.17";
    manifest.interfaces = {"acp.provider/1"};
    files = {{"plugin.so", "not really code"}, {"LICENSES", "do what you like\n"}, {"share/icons/a.svg", "<svg/>"}};
}

std::string Sample::manifest_text() {
    manifest.files.clear();
    for (const auto& [name, bytes] : files)
        manifest.files.emplace(
            name, ManifestFile{sha256_hex(bytes), static_cast<std::int64_t>(bytes.size()), name == "plugin.so"});
    return write_manifest(manifest);
}

std::map<std::string, std::string> Sample::all(const Key* key) {
    auto out = files;
    const std::string text = manifest_text();
    out["manifest.yaml"] = text;
    if (key) out["manifest.sig"] = sign(key->secret.get(), text).value();
    return out;
}

void Sample::write(const fs::path& folder, const Key* key) {
    for (const auto& [name, bytes] : all(key)) put(folder / name, bytes, name == "plugin.so" ? 0755 : 0644);
}

std::string tar_entry(const TarEntry& entry) {
    std::array<char, 512> header{};
    auto field = [&](std::size_t at, std::size_t size, const std::string& text) {
        std::memcpy(header.data() + at, text.data(), std::min(size, text.size()));
    };
    auto octal = [&](std::size_t at, std::size_t digits, std::uint64_t value) {
        char text[24];
        std::snprintf(text, sizeof text, "%0*llo", static_cast<int>(digits), static_cast<unsigned long long>(value));
        field(at, digits, text);
    };
    field(0, 100, entry.name);
    octal(100, 7, 0644);
    octal(108, 7, 0);
    octal(116, 7, 0);
    octal(124, 11, entry.bytes.size());
    octal(136, 11, 0);
    field(156, 1, std::string(1, entry.type));
    field(157, 100, entry.link);
    field(257, 6, std::string("ustar\0", 6));
    field(263, 2, "00");
    std::memset(header.data() + 148, ' ', 8);
    unsigned sum = 0;
    for (char c : header) sum += static_cast<unsigned char>(c);
    octal(148, 6, sum);
    header[154] = '\0';
    std::string out(header.data(), header.size());
    out += entry.bytes;
    out.resize((out.size() + 511) / 512 * 512, '\0');
    return out;
}

std::string tar(const std::vector<TarEntry>& entries) {
    std::string out;
    for (const auto& entry : entries) out += tar_entry(entry);
    return out + std::string(1024, '\0');
}

std::string tar(const std::map<std::string, std::string>& files) {
    std::vector<TarEntry> entries;
    for (const auto& [name, bytes] : files) entries.push_back({name, bytes, '0', ""});
    return tar(entries);
}

Trust trust_in(const Key& key, Policy policy, const fs::path& folder, const std::string& prefixes) {
    put(folder / "vendor.pem", key.trusted_for(prefixes));
    return load_trust(policy, folder, folder / "plugins.lock");
}

}  // namespace acp::bundle::test
