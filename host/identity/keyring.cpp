#include "identity/keyring.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/bytes.h"
#include "base/clock.h"

namespace acp::identity {

namespace fs = std::filesystem;

namespace {

constexpr const char* first_name = "signing-es256.pem";
constexpr std::int64_t ns_per_s = 1'000'000'000;

}  // namespace

/// What was read, the newest key first; never empty.
struct Keyring::State {
    std::vector<KeyFile> files;
    std::shared_ptr<const jose::KeySet> published;
};

Keyring::Keyring(fs::path folder, std::int64_t settle_s) : folder_(std::move(folder)), settle_s_(settle_s) {}

Result<std::shared_ptr<Keyring>> Keyring::open(const fs::path& folder, std::int64_t settle_s) {
    if (auto made = make_key_folder(folder); !made) return fail(made.error());
    auto found = read_key_files(folder);
    if (!found) return fail(found.error());
    if (found->empty()) {
        auto key = jose::PrivateKey::generate(jose::Algorithm::ES256);
        if (!key) return fail(key.error());
        if (auto written = write_key_file(folder, first_name, *key); !written) return fail(written.error());
    }
    std::shared_ptr<Keyring> out(new Keyring(folder, settle_s));
    if (auto read = out->reload(); !read) return fail(read.error());
    return out;
}

Result<void> Keyring::reload() {
    const std::lock_guard changing(changing_);
    return read();
}

Result<void> Keyring::read() {
    auto files = read_key_files(folder_);
    if (!files) return fail(files.error());
    if (files->empty())
        return fail(Code::internal, "signing_key",
                    "the folder " + folder_.string() + " has no signing key any more; the ones before stay in effect");
    auto fresh = std::make_shared<State>();
    std::vector<jose::PublicKey> published;
    for (KeyFile& file : *files) {
        // A copy of a key's file is no other key.
        const bool is_copy = std::any_of(fresh->files.begin(), fresh->files.end(),
                                         [&](const KeyFile& other) { return other.key.kid() == file.key.kid(); });
        if (is_copy) continue;
        published.push_back(file.key.public_key());
        fresh->files.push_back(std::move(file));
    }
    fresh->published = std::make_shared<const jose::KeySet>(std::move(published));
    const std::lock_guard lock(lock_);
    state_ = std::move(fresh);
    return {};
}

std::shared_ptr<const Keyring::State> Keyring::state() const {
    const std::lock_guard lock(lock_);
    return state_;
}

/// The newest that is settled; while none is, the oldest: it has been there longest.
std::size_t Keyring::signer(const State& state) const {
    const std::int64_t settled_ns = unix_ns() - settle_s_ * ns_per_s;
    for (std::size_t i = 0; i < state.files.size(); ++i)
        if (state.files[i].made_unix_ns <= settled_ns) return i;
    return state.files.size() - 1;
}

Result<std::string> Keyring::rotate(jose::Algorithm algorithm, std::int64_t keep_s) {
    const std::lock_guard changing(changing_);
    auto key = jose::PrivateKey::generate(algorithm);
    if (!key) return fail(key.error());
    const std::string name =
        "signing-" + ascii_lower(jose::name_of(algorithm)) + "-" + key->kid().substr(0, 12) + ".pem";
    if (auto written = write_key_file(folder_, name, *key); !written) return fail(written.error());
    if (auto fresh = read(); !fresh) return fail(fresh.error());

    // A key has signed until the next newer one was settled.
    const auto before = state();
    const std::int64_t now = unix_ns();
    for (std::size_t i = 1; i < before->files.size(); ++i) {
        if (before->files[i - 1].made_unix_ns + (settle_s_ + keep_s) * ns_per_s > now) continue;
        std::error_code ec;
        fs::remove(before->files[i].path, ec);
        if (ec)
            return fail(
                Code::internal, "signing_key",
                "the old signing key " + before->files[i].path.string() + " cannot be removed: " + ec.message());
    }
    if (auto fresh = read(); !fresh) return fail(fresh.error());
    return key->kid();
}

Result<std::string> Keyring::sign(std::string_view typ, const std::string& payload_json) const {
    const auto now = state();
    return now->files[signer(*now)].key.sign(typ, payload_json);
}

bool Keyring::signed_here(const jose::Compact& token) const {
    const auto keys = published();
    const auto* key = token.kid.empty() ? nullptr : keys->find(token.kid, token.algorithm);
    return key != nullptr && token.signed_by(*key);
}

std::shared_ptr<const jose::KeySet> Keyring::published() const {
    return state()->published;
}

std::vector<KeyInfo> Keyring::keys() const {
    const auto now = state();
    const std::size_t signing = signer(*now);
    std::vector<KeyInfo> out;
    for (std::size_t i = 0; i < now->files.size(); ++i) {
        const KeyFile& file = now->files[i];
        const KeyStage stage = i < signing ? KeyStage::waiting : i == signing ? KeyStage::signing : KeyStage::retired;
        out.push_back({file.key.kid(), file.key.algorithm(), file.path, file.made_unix_ns / ns_per_s, stage});
    }
    return out;
}

}  // namespace acp::identity
