// Every way in which a bundle folder is refused.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <functional>

#include "base/bytes.h"
#include "unit/bundle/house.h"

using namespace acp;
using namespace acp::bundle;
using namespace acp::bundle::test;

namespace {

/// A good bundle with everything around it.
struct Scene {
    TempDir dir;
    Key key;
    Sample sample;
    Trust trust;
    fs::path bundle = dir.path() / "thing";

    explicit Scene(Policy policy) {
        sample.write(bundle, &key);
        trust = trust_in(key, policy, dir.path() / "trust");
        pin(sample.manifest.version, key.id);
    }
    void pin(const std::string& version, const std::string& by, const std::string& sha256 = {}) {
        trust.lock.plugins = {
            {sample.manifest.id, version, sha256.empty() ? sha256_hex(sample.manifest_text()) : sha256, by}};
        trust.lock_problem.clear();
    }
    /// Writes the changed sample over the old one.
    void rewrite() { sample.write(bundle, &key); }
};

struct Case {
    std::string name;
    Policy policy;
    std::function<void(Scene&)> spoil;
    std::string stage, message, found;
};

void change(Scene& s, const std::function<void(Manifest&)>& how) {
    how(s.sample.manifest);
    s.rewrite();
}

const std::vector<Case>& cases() {
    static const std::vector<Case> out = {
        // The folder and its files.
        {"group may write the folder", Policy::any, [](Scene& s) { ::chmod(s.bundle.c_str(), 0775); }, "file",
         "its folder may be written by others", "mode 0775"},
        {"all may write an inner folder", Policy::any, [](Scene& s) { ::chmod((s.bundle / "share").c_str(), 0757); },
         "file", "share may be written by others", "mode 0757"},
        {"group may write a file", Policy::any, [](Scene& s) { ::chmod((s.bundle / "plugin.so").c_str(), 0775); },
         "file", "plugin.so may be written by others", "mode 0775"},
        {"all may write the manifest", Policy::any,
         [](Scene& s) { ::chmod((s.bundle / "manifest.yaml").c_str(), 0646); }, "file",
         "manifest.yaml may be written by others", "mode 0646"},
        {"a link to a file inside", Policy::any, [](Scene& s) { fs::create_symlink("plugin.so", s.bundle / "link"); },
         "file", "link is a symbolic link", "a symbolic link"},
        {"a link in a file's place", Policy::any,
         [](Scene& s) {
             fs::rename(s.bundle / "plugin.so", s.dir.path() / "outside.so");
             fs::create_symlink(s.dir.path() / "outside.so", s.bundle / "plugin.so");
         },
         "file", "plugin.so is a symbolic link", "a symbolic link"},
        {"a link in a folder's place", Policy::any,
         [](Scene& s) {
             fs::rename(s.bundle / "share", s.dir.path() / "share");
             fs::create_symlink(s.dir.path() / "share", s.bundle / "share");
         },
         "file", "share is a symbolic link", "a symbolic link"},
        {"a dangling link", Policy::any, [](Scene& s) { fs::create_symlink("nowhere", s.bundle / "x"); }, "file",
         "x is a symbolic link", "a symbolic link"},
        {"the bundle is a link", Policy::any,
         [](Scene& s) {
             fs::create_symlink("thing", s.dir.path() / "other");
             s.bundle = s.dir.path() / "other";
         },
         "file", "it is a symbolic link", "a symbolic link"},
        {"a second name of a file", Policy::any,
         [](Scene& s) { fs::create_hard_link(s.bundle / "plugin.so", s.dir.path() / "second"); }, "file",
         "plugin.so has a second name", "2 hard links"},
        {"a pipe", Policy::any, [](Scene& s) { ::mkfifo((s.bundle / "pipe").c_str(), 0600); }, "file",
         "pipe is no regular file", "a device, socket or pipe"},
        {"a pipe in a file's place", Policy::any,
         [](Scene& s) {
             fs::remove(s.bundle / "plugin.so");
             ::mkfifo((s.bundle / "plugin.so").c_str(), 0600);
         },
         "file", "plugin.so is no regular file", "a device, socket or pipe"},
        {"too deep a folder", Policy::any, [](Scene& s) { put(s.bundle / "a/b/c/d/e", ""); }, "file",
         "the folder a/b/c/d is one too many", "more"},
        {"a name with a control", Policy::any, [](Scene& s) { put(s.bundle / "a\x1b[31m", ""); }, "file",
         "outside printable ASCII", "a?[31m"},
        {"a name with a backslash", Policy::any, [](Scene& s) { put(s.bundle / "a\\b", ""); }, "file",
         "has a backslash", "a\\b"},
        {"too many files", Policy::any,
         [](Scene& s) {
             for (int i = 0; i < 1000; ++i) put(s.bundle / ("f" + std::to_string(i)), "");
         },
         "file", "too many files", "100"},
        {"too large a file", Policy::any, [](Scene& s) { fs::resize_file(s.bundle / "plugin.so", (512ULL << 20) + 1); },
         "file", "it is too large", "plugin.so"},
        {"too large together", Policy::any,
         [](Scene& s) {
             fs::resize_file(s.bundle / "plugin.so", 300ULL << 20);
             fs::resize_file(s.bundle / "LICENSES", 300ULL << 20);
         },
         "file", "it is too large", "more"},
        {"nothing at the path", Policy::any, [](Scene& s) { s.bundle /= "none"; }, "file", "it cannot be read",
         "No such file"},
        {"a text file", Policy::any, [](Scene& s) { s.bundle = put(s.dir.path() / "x.txt", "x"); }, "file",
         "it is no bundle", "another kind"},
        {"a bare shared object", Policy::any, [](Scene& s) { s.bundle /= "plugin.so"; }, "trust",
         "no manifest and no signature", "a .so file"},
        // The manifest and the files that it lists.
        {"no manifest", Policy::any, [](Scene& s) { fs::remove(s.bundle / "manifest.yaml"); }, "manifest",
         "the file manifest.yaml is missing", "no such file"},
        {"an empty folder", Policy::any,
         [](Scene& s) {
             fs::remove_all(s.bundle);
             fs::create_directory(s.bundle);
         },
         "manifest", "the file manifest.yaml is missing", "no such file"},
        {"a manifest that is too large", Policy::any,
         [](Scene& s) { put(s.bundle / "manifest.yaml", std::string((256U << 10) + 1, '#')); }, "manifest",
         "manifest.yaml is too large", "more"},
        {"a broken manifest", Policy::any, [](Scene& s) { put(s.bundle / "manifest.yaml", "manifest: 1\nid: [\n"); },
         "manifest", "has a mistake", "manifest.yaml:2:"},
        {"a mistake in the manifest", Policy::any,
         [](Scene& s) { put(s.bundle / "manifest.yaml", "manifest: 1\nid: A\n"); }, "manifest", "mistakes",
         "manifest.yaml:2:1: key id"},
        {"a mistake with controls", Policy::any,
         [](Scene& s) { put(s.bundle / "manifest.yaml", s.sample.manifest_text() + "\"\\e[31m\\u009bm\": 1\n"); },
         "manifest", "has a mistake", "key ?[31m?m: unknown key"},
        {"an extra file", Policy::any, [](Scene& s) { put(s.bundle / "share/extra", "x"); }, "manifest",
         "share/extra is not in the manifest", "share/extra"},
        {"a missing file", Policy::any, [](Scene& s) { fs::remove(s.bundle / "share/icons/a.svg"); }, "manifest",
         "share/icons/a.svg is missing", "no such file"},
        {"a longer file", Policy::any, [](Scene& s) { put(s.bundle / "plugin.so", "not really codee", 0755); },
         "manifest", "plugin.so has another size", "16 bytes"},
        {"a shorter file", Policy::any, [](Scene& s) { put(s.bundle / "LICENSES", ""); }, "manifest",
         "LICENSES has another size", "0 bytes"},
        {"other bytes", Policy::any, [](Scene& s) { put(s.bundle / "plugin.so", "not really Code", 0755); }, "manifest",
         "plugin.so is not the one that the manifest lists", "sha256 "},
        {"a folder in a file's place", Policy::any,
         [](Scene& s) {
             fs::remove(s.bundle / "LICENSES");
             put(s.bundle / "LICENSES/x", "x");
         },
         "manifest", "LICENSES/x is not in the manifest", "LICENSES/x"},
        // What the host can run.
        {"another major version", Policy::any, [](Scene& s) { change(s, [](Manifest& m) { m.abi.major = 2; }); }, "abi",
         "another major version", "2.0"},
        {"a newer minor version", Policy::any,
         [](Scene& s) { change(s, [](Manifest& m) { m.abi.minor_built = m.abi.minor_required = 9999; }); }, "abi",
         "needs a newer host", "1.9999"},
        {"another processor", Policy::any,
         [](Scene& s) {
             change(s, [](Manifest& m) { m.platform.arch = m.platform.arch == "x86_64" ? "aarch64" : "x86_64"; });
         },
         "file", "for another platform", "linux "},
        {"a newer C library", Policy::any,
         [](Scene& s) { change(s, [](Manifest& m) { m.platform.libc_min = "99.0"; }); }, "file", "a newer C library",
         "glibc 99.0"},
        // Signatures.
        {"no signature", Policy::is_signed, [](Scene& s) { fs::remove(s.bundle / "manifest.sig"); }, "trust",
         "it is not signed", "no manifest.sig"},
        {"a tampered manifest", Policy::is_signed,
         [](Scene& s) { put(s.bundle / "manifest.yaml", s.sample.manifest_text() + "# one more line\n"); }, "trust",
         "not the one that was signed", "other bytes"},
        {"a tampered file and its manifest", Policy::is_signed,
         [](Scene& s) {
             const std::string signature = contents(s.bundle / "manifest.sig");
             s.sample.files["plugin.so"] = "evil";
             s.sample.write(s.bundle, &s.key);
             put(s.bundle / "manifest.sig", signature);
         },
         "trust", "not the one that was signed", "other bytes"},
        {"an unknown key", Policy::is_signed, [](Scene& s) { s.sample.write(s.bundle, std::make_unique<Key>().get()); },
         "trust", "signed by no trusted key", "key "},
        {"a key outside its prefix", Policy::is_signed,
         [](Scene& s) { s.trust = trust_in(s.key, Policy::is_signed, s.dir.path() / "trust", "com.exampl, org"); },
         "trust", "may not sign plugins of this id", "for com.exampl, org"},
        {"a key without prefixes", Policy::is_signed,
         [](Scene& s) {
             put(s.dir.path() / "trust/vendor.pem", s.key.pem);
             s.trust = load_trust(Policy::is_signed, s.dir.path() / "trust", "");
         },
         "trust", "signed by no trusted key", "vendor.pem says for no plugin"},
        {"a signature that is no JSON", Policy::is_signed, [](Scene& s) { put(s.bundle / "manifest.sig", "hello"); },
         "trust", "manifest.sig is no JSON object", "no JSON"},
        {"a signature of nothing", Policy::is_signed,
         [](Scene& s) { put(s.bundle / "manifest.sig", R"({"signatures":[]})"); }, "trust", "has no signature",
         "no signature"},
        {"a signature file that is too large", Policy::is_signed,
         [](Scene& s) { put(s.bundle / "manifest.sig", std::string(65537, ' ')); }, "trust",
         "manifest.sig is too large", "more"},
        {"one bad signature of two", Policy::is_signed,
         [](Scene& s) {
             const Key second;
             put(s.dir.path() / "trust/second.pem", second.trusted_for("com.example"));
             s.trust = load_trust(Policy::is_signed, s.dir.path() / "trust", "");
             auto good = read_signatures(contents(s.bundle / "manifest.sig")).value();
             good.push_back({second.id, std::string(64, 'x')});
             put(s.bundle / "manifest.sig", write_signatures(good));
         },
         "trust", "not the one that was signed", "other bytes"},
        {"no folder of keys", Policy::is_signed,
         [](Scene& s) { s.trust = load_trust(Policy::is_signed, s.dir.path() / "none", ""); }, "trust",
         "signed by no trusted key", "none cannot be read: No such file"},
        // The lock.
        {"locked is signed as well", Policy::is_locked, [](Scene& s) { fs::remove(s.bundle / "manifest.sig"); },
         "trust", "it is not signed", "no manifest.sig"},
        {"no lock", Policy::is_locked,
         [](Scene& s) { s.trust = trust_in(s.key, Policy::is_locked, s.dir.path() / "trust"); }, "lock",
         "there is no lock", "does not exist"},
        {"a broken lock", Policy::is_locked,
         [](Scene& s) {
             put(s.dir.path() / "trust/plugins.lock", "lock: 7\n");
             s.trust = trust_in(s.key, Policy::is_locked, s.dir.path() / "trust");
         },
         "lock", "there is no lock", "plugins.lock:1:1: key lock: must be 1"},
        {"not pinned", Policy::is_locked, [](Scene& s) { s.trust.lock.plugins.clear(); }, "lock", "it is not pinned",
         "none"},
        {"older than the pinned version", Policy::is_locked, [](Scene& s) { s.pin("1.10.0", s.key.id); }, "lock",
         "it is older than the pinned version", "version 1.4.0"},
        {"newer than the pinned version", Policy::is_locked, [](Scene& s) { s.pin("1.3.9", s.key.id); }, "lock",
         "another version is pinned", "version 1.4.0"},
        {"other content of that version", Policy::is_locked,
         [](Scene& s) { s.pin("1.4.0", s.key.id, std::string(64, '0')); }, "lock", "other content is pinned",
         "manifest sha256 "},
        {"pinned with another key", Policy::is_locked, [](Scene& s) { s.pin("1.4.0", "0000000000000000"); }, "lock",
         "another key is pinned", "key "},
    };
    return out;
}

}  // namespace

TEST_CASE("every way to be refused", "[bundle]") {
    CHECK(cases().size() >= 40);
    for (const auto& c : cases()) {
        INFO(c.name);
        Scene scene(c.policy);
        REQUIRE_FALSE(verify_bundle(scene.bundle, scene.trust).fault);
        c.spoil(scene);
        const fs::path store = scene.dir.path() / "store";
        for (const auto& opened :
             {verify_bundle(scene.bundle, scene.trust), open_bundle(scene.bundle, scene.trust, store)}) {
            REQUIRE(opened.fault);
            const Fault& fault = *opened.fault;
            INFO(fault.message << " | " << fault.expected << " | " << fault.found << " | " << fault.remedy);
            CHECK(fault.stage == c.stage);
            CHECK(fault.message.find(c.message) != std::string::npos);
            CHECK(fault.found.find(c.found) != std::string::npos);
            CHECK(fault.message.find("bundle " + scene.bundle.string()) == 0);
            if (opened.manifest) CHECK(fault.message.find("(com.example.thing)") != std::string::npos);
            CHECK_FALSE(fault.expected.empty());
            CHECK_FALSE(fault.remedy.empty());
            CHECK(opened.library.empty());
        }
        // Nothing half is left behind.
        if (fs::exists(store)) CHECK(fs::is_empty(store));
    }
}

TEST_CASE("files of another owner", "[bundle]") {
    if (::geteuid() != 0) return;
    for (const char* name : {"", "plugin.so", "share", "manifest.yaml", "share/icons/a.svg"}) {
        INFO(name);
        Scene scene(Policy::any);
        REQUIRE(::lchown((scene.bundle / name).c_str(), 12345, 12345) == 0);
        const auto opened = verify_bundle(scene.bundle, scene.trust);
        REQUIRE(opened.fault);
        CHECK(opened.fault->stage == "file");
        CHECK(opened.fault->message.find("belongs to somebody else") != std::string::npos);
        CHECK(opened.fault->found == "uid 12345");
    }
}

TEST_CASE("under any, a signature is a remark", "[bundle]") {
    Scene scene(Policy::any);
    CHECK(verify_bundle(scene.bundle, scene.trust).keys == std::vector<std::string>{scene.key.id});
    put(scene.bundle / "manifest.sig", "hello");
    auto opened = verify_bundle(scene.bundle, scene.trust);
    CHECK_FALSE(opened.fault);
    CHECK(opened.keys.empty());
    fs::remove(scene.bundle / "manifest.sig");
    CHECK_FALSE(verify_bundle(scene.bundle, scene.trust).fault);
    CHECK_FALSE(verify_bundle(scene.bundle, {}).fault);
}

TEST_CASE("a good signature beside one of an unknown key is enough", "[bundle]") {
    Scene scene(Policy::is_locked);
    auto signatures = read_signatures(contents(scene.bundle / "manifest.sig")).value();
    signatures.insert(signatures.begin(), {"0000000000000000", std::string(64, 'x')});
    put(scene.bundle / "manifest.sig", write_signatures(signatures));
    const auto opened = verify_bundle(scene.bundle, scene.trust);
    if (opened.fault) FAIL(opened.fault->message);
    CHECK(opened.keys == std::vector<std::string>{scene.key.id});
}

TEST_CASE("policies by their words, from wide to tight", "[bundle]") {
    CHECK(parse_policy("any") == Policy::any);
    CHECK(parse_policy("signed") == Policy::is_signed);
    CHECK(parse_policy("locked") == Policy::is_locked);
    CHECK_FALSE(parse_policy("Locked"));
    CHECK(Policy::any < Policy::is_signed);
    CHECK(Policy::is_signed < Policy::is_locked);
    CHECK_FALSE(refuse_bare("/x/a.so", Policy::any));
    CHECK(refuse_bare("/x/a.so", Policy::is_signed)->message.find("/x/a.so") != std::string::npos);
    CHECK(refuse_bare("/x/a.so", Policy::is_locked)->stage == "trust");
}
