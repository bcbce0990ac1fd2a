#include "bundle/open.h"

#include <algorithm>

#include "bundle/intake.h"
#include "bundle/names.h"
#include "bundle/signature.h"
#include "bundle/source.h"
#include "bundle/version.h"

namespace acp::bundle {

namespace fs = std::filesystem;

namespace {

std::string joined(const std::vector<std::string>& words, std::string_view between) {
    std::string out;
    for (const auto& word : words) out.append(out.empty() ? "" : between).append(word);
    return out;
}

/// One bundle on its way through the checks.
class Judgement {
public:
    Judgement(Opened& opened, const Trust& trust) : opened_(opened), trust_(trust), subject_{opened.path, {}} {}

    /// With a store the bundle is put there.
    Checked<void> run(const fs::path* store) {
        auto source = open_source(subject_);
        if (!source) return tl::unexpected(source.error());
        source_ = std::move(*source);
        auto entries = source_->entries();
        if (!entries) return tl::unexpected(entries.error());
        // What is cheap and needs no byte of the files comes first.
        if (auto good = judge_manifest(); !good) return good;
        if (auto good = judge_abi(); !good) return good;
        if (auto good = judge_platform(); !good) return good;
        if (auto good = judge_signature(*entries); !good) return good;
        if (auto good = judge_lock(); !good) return good;
        if (auto good = judge_files(subject_, *opened_.manifest, *entries); !good) return good;
        return store ? take_into(*store) : take(*source_, subject_, nullptr);
    }

private:
    Checked<void> judge_manifest() {
        auto text = source_->text(subject_, manifest_name, most_manifest_bytes);
        if (!text) return tl::unexpected(text.error());
        text_ = std::move(*text);
        auto manifest = read_manifest(text_, (opened_.path / manifest_name).string());
        if (!manifest)
            return subject_.refuse("manifest", manifest.error(), "a manifest of format 1",
                                   "get the bundle again from its vendor");
        opened_.manifest = std::move(*manifest);
        opened_.sha256 = sha256_hex(text_);
        subject_.id = opened_.manifest->id;
        return {};
    }

    Checked<void> judge_abi() const {
        const auto& abi = opened_.manifest->abi;
        const auto& host = trust_.host;
        const std::string found = std::to_string(abi.major) + "." + std::to_string(abi.minor_required);
        if (abi.major != host.abi_major)
            return subject_.refuse("abi", "it is built for another major version of the plugin API",
                                   std::to_string(host.abi_major) + ".x", found,
                                   "install the plugin's release for plugin API " + std::to_string(host.abi_major));
        if (abi.minor_required > host.abi_minor)
            return subject_.refuse(
                "abi", "it needs a newer host",
                "plugin API " + std::to_string(host.abi_major) + "." + std::to_string(host.abi_minor) + " or older",
                found, "update alphaswarm-cp or install an older release of the plugin");
        return {};
    }

    Checked<void> judge_platform() const {
        const auto& wanted = opened_.manifest->platform;
        const auto& host = trust_.host.platform;
        auto triple = [](const Platform& p) { return p.os + " " + p.arch + " " + p.libc; };
        if (triple(wanted) != triple(host))
            return subject_.refuse("file", "it is for another platform", triple(host), triple(wanted),
                                   "install the plugin's release for this platform");
        if (compare_libc(wanted.libc_min, host.libc_min) > 0)
            return subject_.refuse("file", "it needs a newer C library",
                                   wanted.libc + " " + host.libc_min + " or older", wanted.libc + " " + wanted.libc_min,
                                   "install a release of the plugin for this system, or update the system");
        return {};
    }

    Checked<void> judge_signature(const std::vector<Entry>& entries) {
        const bool is_demanded = trust_.policy != Policy::any;
        const bool is_there =
            std::any_of(entries.begin(), entries.end(), [](const Entry& e) { return e.name == signature_name; });
        if (!is_there) {
            if (!is_demanded) return {};
            return subject_.refuse("trust", "it is not signed", "manifest.sig by a trusted key", "no manifest.sig",
                                   "get a signed release of the plugin, or sign it with plugin bundle --key");
        }
        auto vouched = vouch();
        // Without a demand a signature is a remark: one that is of no use changes nothing.
        if (!vouched && is_demanded) return vouched;
        return {};
    }

    Checked<void> vouch() {
        auto text = source_->text(subject_, signature_name, most_signature_bytes);
        if (!text) return tl::unexpected(text.error());
        auto signatures = read_signatures(*text);
        if (!signatures)
            return subject_.refuse("trust", signatures.error(), "a signature file of plugin bundle",
                                   "get the bundle again from its vendor");
        std::vector<std::string> unknown;
        const TrustKey* outside = nullptr;
        for (const auto& signature : *signatures) {
            const TrustKey* key = trust_.keys.find(signature.key);
            if (key == nullptr) {
                unknown.push_back(signature.key);
                continue;
            }
            if (!is_signature(key->key.get(), text_, signature.bytes)) {
                opened_.keys.clear();
                return subject_.refuse("trust", "the manifest is not the one that was signed",
                                       "the bytes that key " + key->id + " signed", "other bytes, or another signature",
                                       "get the bundle again from its vendor, by another way");
            }
            if (key->covers(subject_.id))
                opened_.keys.push_back(key->id);
            else
                outside = key;
        }
        if (!opened_.keys.empty()) return {};
        if (outside != nullptr)
            return subject_.refuse(
                "trust", "its key may not sign plugins of this id", "a key for " + subject_.id,
                "key " + outside->id + " for " + joined(outside->prefixes, ", "),
                "if that key shall vouch for it, add the id to Plugin-Id-Prefixes in " + outside->file.string());
        // A key that is there and was refused is the likely cause.
        std::string found = "key " + joined(unknown, ", ");
        if (!trust_.keys.refused.empty()) found += "; " + joined(trust_.keys.refused, "; ");
        return subject_.refuse("trust", "it is signed by no trusted key", "a key in " + trust_.keys.folder.string(),
                               found, "put the vendor's public key there, if you trust the vendor");
    }

    Checked<void> judge_lock() const {
        if (trust_.policy != Policy::is_locked) return {};
        const std::string relock = "if this is the plugin you want, pin it with plugin lock";
        if (!trust_.lock_problem.empty())
            return subject_.refuse("lock", "there is no lock to measure it by", "a lock file", trust_.lock_problem,
                                   "make one with plugin lock");
        const Manifest& manifest = *opened_.manifest;
        const Pin* pin = trust_.lock.find(manifest.id);
        if (pin == nullptr)
            return subject_.refuse("lock", "it is not pinned", "an entry for " + manifest.id + " in the lock", "none",
                                   relock);
        const auto now = parse_version(manifest.version);
        const auto pinned = parse_version(pin->version);
        if (now && pinned && *now < *pinned)
            return subject_.refuse(
                "lock", "it is older than the pinned version", "version " + pin->version, "version " + manifest.version,
                "install version " + pin->version + ", or pin the older one with plugin lock --allow-downgrade");
        if (manifest.version != pin->version)
            return subject_.refuse("lock", "another version is pinned", "version " + pin->version,
                                   "version " + manifest.version, relock);
        if (opened_.sha256 != pin->sha256)
            return subject_.refuse("lock", "other content is pinned for this version", "manifest sha256 " + pin->sha256,
                                   "manifest sha256 " + opened_.sha256, relock);
        if (std::find(opened_.keys.begin(), opened_.keys.end(), pin->key) == opened_.keys.end())
            return subject_.refuse("lock", "another key is pinned", "key " + pin->key,
                                   "key " + joined(opened_.keys, ", "), relock);
        return {};
    }

    Checked<void> take(Source& source, const Subject& subject, Draft* draft) const {
        Intake intake(subject, *opened_.manifest, opened_.sha256, draft);
        if (auto done = source.read(intake); !done) return done;
        return intake.finish();
    }

    /// Whether the store's own entry is whole.
    bool is_whole(const fs::path& entry) const {
        const Subject own{entry, subject_.id};
        auto source = open_folder(own);
        if (!source) return false;
        auto entries = (*source)->entries();
        if (!entries || !judge_files(own, *opened_.manifest, *entries)) return false;
        return take(**source, own, nullptr).has_value();
    }

    Checked<void> take_into(const fs::path& folder) {
        auto unusable = [this](const Error& error) {
            return subject_.refuse("file", "it cannot be put into the store", "a writable store", error.message,
                                   "check plugins.store, its owner and its disk");
        };
        auto store = Store::open(folder);
        if (!store) return unusable(store.error());
        const fs::path entry = store->entry(opened_.sha256);
        std::error_code ec;
        const bool is_there = fs::exists(fs::symlink_status(entry, ec));
        if (is_there && is_whole(entry)) {
            if (auto done = take(*source_, subject_, nullptr); !done) return done;
        } else {
            auto draft = store->draft();
            if (!draft) return unusable(draft.error());
            if (auto done = take(*source_, subject_, &*draft); !done) return done;
            if (auto done = store->commit(std::move(*draft), opened_.sha256); !done) return unusable(done.error());
            opened_.was_mended = is_there;
        }
        opened_.folder = entry;
        opened_.library = entry / library_name;
        return {};
    }

    Opened& opened_;
    const Trust& trust_;
    Subject subject_;
    std::unique_ptr<Source> source_;
    std::string text_;
};

Opened judged(const fs::path& path, const Trust& trust, const fs::path* store) {
    Opened out;
    out.path = path;
    if (auto good = Judgement(out, trust).run(store); !good) out.fault = std::move(good.error());
    return out;
}

}  // namespace

std::optional<Policy> parse_policy(std::string_view word) {
    for (Policy policy : {Policy::any, Policy::is_signed, Policy::is_locked})
        if (word == word_of(policy)) return policy;
    return {};
}

std::string_view word_of(Policy policy) noexcept {
    return policy == Policy::any ? "any" : policy == Policy::is_signed ? "signed" : "locked";
}

Trust load_trust(Policy policy, const fs::path& keys_folder, const fs::path& lock_file) {
    Trust out;
    out.policy = policy;
    out.keys = load_trust_keys(keys_folder);
    auto lock = load_lock(lock_file);
    if (lock) {
        out.lock = std::move(*lock);
    } else {
        out.lock_problem = lock.error().message;
        for (const auto& violation : lock.error().violations) out.lock_problem += "; " + violation.detail;
    }
    return out;
}

Opened verify_bundle(const fs::path& path, const Trust& trust) {
    return judged(path, trust, nullptr);
}

Opened open_bundle(const fs::path& path, const Trust& trust, const fs::path& store) {
    return judged(path, trust, &store);
}

std::optional<Fault> refuse_bare(const fs::path& path, Policy policy) {
    if (policy == Policy::any) return {};
    return Fault{"trust",
                 "plugin " + shown(path.string()) + ": a bare shared object has no signature, and plugins.trust is " +
                     std::string(word_of(policy)),
                 "a signed bundle", "a .so file",
                 "install the plugin as a signed bundle, or make one with plugin bundle"};
}

}  // namespace acp::bundle
