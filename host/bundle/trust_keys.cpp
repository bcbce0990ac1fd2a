#include "bundle/trust_keys.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include <algorithm>
#include <set>

#include "base/unique_fd.h"
#include "bundle/manifest.h"
#include "bundle/owned.h"
#include "bundle/refusal.h"
#include "bundle/signature.h"
#include "tls/error.h"

namespace acp::bundle {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t most_bytes = 64U << 10;
constexpr std::string_view begin_line = "-----BEGIN PUBLIC KEY-----";
constexpr std::string_view end_line = "-----END PUBLIC KEY-----";

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blanks = " \t\r";
    auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// The list behind the one line that limits the key.
Result<std::vector<std::string>> prefixes_of(std::string_view explanation) {
    std::vector<std::string_view> lists;
    while (!explanation.empty()) {
        auto end = std::min(explanation.find('\n'), explanation.size());
        std::string_view line = trimmed(explanation.substr(0, end));
        if (line.starts_with(prefixes_field)) lists.push_back(line.substr(prefixes_field.size()));
        explanation.remove_prefix(std::min(end + 1, explanation.size()));
    }
    if (lists.empty())
        return fail(
            Code::invalid, "trust_key",
            "says for no plugin that it may sign it; put a line \"Plugin-Id-Prefixes: com.example.\" before the key");
    if (lists.size() > 1)
        return fail(Code::invalid, "trust_key", "has two lines Plugin-Id-Prefixes; put all prefixes on one");
    return read_prefixes(lists.front());
}

}  // namespace

Result<std::vector<std::string>> read_prefixes(std::string_view list) {
    std::vector<std::string> out;
    for (;;) {
        auto comma = std::min(list.find(','), list.size());
        std::string_view prefix = trimmed(list.substr(0, comma));
        if (prefix.ends_with('.')) prefix.remove_suffix(1);
        if (!is_plugin_id(prefix))
            return fail(Code::invalid, "trust_key",
                        "has the prefix \"" + shown(prefix) +
                            "\", which begins no plugin id; write whole labels such as com.example");
        out.emplace_back(prefix);
        if (comma == list.size()) return out;
        list.remove_prefix(comma + 1);
    }
}

bool TrustKey::covers(std::string_view plugin_id) const noexcept {
    return std::any_of(prefixes.begin(), prefixes.end(), [&](const std::string& prefix) {
        return plugin_id.starts_with(prefix) && (plugin_id.size() == prefix.size() || plugin_id[prefix.size()] == '.');
    });
}

const TrustKey* TrustKeys::find(std::string_view id) const noexcept {
    auto found = std::find_if(keys.begin(), keys.end(), [&](const TrustKey& k) { return k.id == id; });
    return found == keys.end() ? nullptr : &*found;
}

Result<TrustKey> read_trust_key(std::string_view text, const fs::path& file) {
    auto refuse = [&](const std::string& why) {
        return fail(Code::invalid, "trust_key", "trusted key " + file.string() + ' ' + why);
    };
    if (text.find("PRIVATE KEY-----") != std::string_view::npos)
        return refuse("is a private key; keep that where bundles are signed, and put the public key here");
    auto begin = text.find(begin_line);
    auto end = text.find(end_line);
    if (begin == std::string_view::npos || end == std::string_view::npos || end < begin)
        return refuse("holds no public key in PEM (-----BEGIN PUBLIC KEY-----)");
    std::string_view rest = text.substr(end + end_line.size());
    // Which of two keys a line limits would be anybody's guess.
    if (text.find("-----BEGIN ", begin + 1) != std::string_view::npos ||
        !trimmed(rest.substr(0, rest.find_last_not_of(" \t\r\n") + 1)).empty())
        return refuse("has something after its key; keep one key in each file and the text before it");

    TrustKey out;
    out.file = file;
    std::string_view block = text.substr(begin, end + end_line.size() - begin);
    ERR_clear_error();
    tls::BioPtr bio(BIO_new_mem_buf(block.data(), static_cast<int>(block.size())));
    out.key.reset(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
    std::string why = tls::drain_errors();
    if (!out.key) return refuse("is damaged: " + why);
    if (!EVP_PKEY_is_a(out.key.get(), "ED25519")) return refuse("is no Ed25519 key; make one with plugin keygen");
    out.id = key_id(out.key.get());
    auto prefixes = prefixes_of(text.substr(0, begin));
    if (!prefixes) return refuse(prefixes.error().message);
    out.prefixes = std::move(*prefixes);
    return out;
}

TrustKeys load_trust_keys(const fs::path& folder) {
    TrustKeys out;
    out.folder = folder;
    const std::string name = "the folder of trusted keys " + folder.string() + ' ';
    UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0) {
        out.refused.push_back(name + "cannot be read: " + system_reason());
        return out;
    }
    if (auto open = exposure(status); !open.what.empty()) {
        out.refused.push_back(name + open.what + " (" + open.found + "); " + open.remedy + " it");
        return out;
    }
    std::set<fs::path> files;
    std::error_code ec;
    for (const auto& entry : fs::directory_iterator(folder, ec))
        if (entry.path().extension() == ".pem") files.insert(entry.path());
    for (const auto& file : files) {
        auto text = read_owned_file(file, "trusted key", most_bytes);
        auto key = text ? read_trust_key(*text, file) : Result<TrustKey>(fail(text.error()));
        if (!key)
            out.refused.push_back(key.error().message);
        else if (const auto* first = out.find(key->id))
            out.refused.push_back("trusted key " + file.string() + " is the key of " + first->file.string() +
                                  "; keep one of the files, with all its prefixes");
        else
            out.keys.push_back(std::move(*key));
    }
    if (files.empty()) out.refused.push_back(name + "holds no *.pem file" + (ec ? ": " + ec.message() : ""));
    return out;
}

}  // namespace acp::bundle
