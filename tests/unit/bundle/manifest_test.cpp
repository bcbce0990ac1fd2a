#include "bundle/manifest.h"

#include <catch2/catch.hpp>

#include "bundle/document.h"
#include "bundle/names.h"
#include "config/load.h"
#include "unit/bundle/house.h"

using namespace acp;
using namespace acp::bundle;

namespace {

const std::string zeros(64, '0');

const std::string good = R"(manifest: 1
id: com.example.thing
version: 1.4.0
vendor: Example
abi: {major: 1, minor_built: 3, minor_required: 2}
platform: {os: linux, arch: x86_64, libc: glibc, libc_min: "2.36"}
interfaces: [acp.provider/1, acp.logs/1]
files:
  plugin.so: {sha256: ")" +
                         zeros + R"(", size: 5, mode: exec}
)";

std::string told(const std::string& text) {
    auto manifest = read_manifest(text, "m.yaml");
    INFO(text);
    REQUIRE_FALSE(manifest);
    CHECK(manifest.error().slug == "manifest_invalid");
    CHECK(manifest.error().message.find("m.yaml") != std::string::npos);
    return config::describe(manifest.error());
}

/// The good manifest with one thing replaced.
std::string with(const std::string& from, const std::string& to) {
    std::string out = good;
    auto at = out.find(from);
    REQUIRE(at != std::string::npos);
    return out.replace(at, from.size(), to);
}

std::string file(const std::string& name, const std::string& mode = "data") {
    return good + "  " + name + ": {sha256: \"" + zeros + "\", size: 1, mode: " + mode + "}\n";
}

}  // namespace

TEST_CASE("a manifest is read", "[bundle]") {
    auto manifest = read_manifest(good, "m.yaml");
    if (!manifest) FAIL(config::describe(manifest.error()));
    CHECK(manifest->id == "com.example.thing");
    CHECK(manifest->version == "1.4.0");
    CHECK(manifest->vendor == "Example");
    CHECK(manifest->abi == Abi{1, 3, 2});
    CHECK(manifest->platform == Platform{"linux", "x86_64", "glibc", "2.36"});
    CHECK(manifest->interfaces == std::vector<std::string>{"acp.provider/1", "acp.logs/1"});
    CHECK(manifest->files == std::map<std::string, ManifestFile>{{"plugin.so", {zeros, 5, true}}});
}

TEST_CASE("what is written is read back", "[bundle]") {
    test::Sample sample;
    sample.manifest.vendor = "Müller \"& Co\": ${HOME} #1, \\ и др. 漢";
    sample.files["a file, with {odd}: names #"] = "x";
    const std::string text = sample.manifest_text();
    auto manifest = read_manifest(text, "m.yaml");
    if (!manifest) FAIL(config::describe(manifest.error()));
    CHECK(*manifest == sample.manifest);
    CHECK(write_manifest(*manifest) == text);
}

TEST_CASE("every mistake of a manifest is told with its line and key", "[bundle]") {
    struct Case {
        std::string text, told;
    };
    const std::vector<Case> cases = {
        {with("manifest: 1", "manifest: 2"), "m.yaml:1:1: key manifest: must be 1\n"},
        {with("manifest: 1\n", ""), "m.yaml:1:1: missing key manifest\n"},
        {with("vendor: Example", "vender: Example"), "m.yaml:4:1: key vender: unknown key; did you mean vendor?"},
        {with("id: com.example.thing", "id: Com.Example"), "m.yaml:2:1: key id: must match "},
        {with("id: com.example.thing", "id: com..example"), "m.yaml:2:1: key id: must match "},
        {with("id: com.example.thing", "id: " + std::string(65, 'a')), "m.yaml:2:1: key id: "},
        {with("id: com.example.thing", "id: 5"), "m.yaml:2:1: key id: must be string, is integer; put it in quotes\n"},
        {with("version: 1.4.0", "version: v1.4.0"), "m.yaml:3:1: key version: is no semantic version"},
        {with("version: 1.4.0", "version: 1.4"), "m.yaml:3:1: key version: must be string, is number"},
        {with("vendor: Example", "vendor: \"a\\u001bb\""), "m.yaml:4:1: key vendor: must match "},
        {with("minor_built: 3", "minor_built: 1"), "m.yaml:5:33: key abi.minor_required: is more than minor_built"},
        {with("minor_built: 3, ", ""), "m.yaml:5:1: key abi: missing key minor_built\n"},
        {with("major: 1", "major: one"), "m.yaml:5:7: key abi.major: must be integer, is string"},
        {with("x86_64", "mips"), "m.yaml:6:23: key platform.arch: must be one of "},
        {with("os: linux", "os: windows"), "m.yaml:6:12: key platform.os: must be \"linux\"\n"},
        {with("\"2.36\"", "2.36"), "m.yaml:6:50: key platform.libc_min: must be string, is number"},
        {with("\"2.36\"", "new"), "m.yaml:6:50: key platform.libc_min: must match "},
        {with("[acp.provider/1, acp.logs/1]", "[]"), "m.yaml:7:1: key interfaces: "},
        {with("acp.logs/1", "acp.logs"), "m.yaml:7:30: key interfaces[1]: must match "},
        {with("acp.logs/1", "acp.provider/1"), "m.yaml:7:30: key interfaces[1]: occurs twice in the list\n"},
        {with("plugin.so:", "other.so:"), "m.yaml:8:1: key files: missing key plugin.so\n"},
        {with("mode: exec", "mode: data"), "key files.plugin.so.mode: must be exec\n"},
        {with("mode: exec", "mode: setuid"), "key files.plugin.so.mode: must be one of "},
        {with(zeros, std::string(64, 'A')), "key files.plugin.so.sha256: must match "},
        {with(zeros, "00"), "key files.plugin.so.sha256: must match "},
        {with("size: 5", "size: -1"), "key files.plugin.so.size: must be at least 0\n"},
        {with("size: 5", "size: 536870913"), "key files.plugin.so.size: must be at most 536870912\n"},
        {with("size: 5", "size: 5.0"), "key files.plugin.so.size: must be integer, is number"},
        {with("mode: exec", "mode: exec, owner: me"), "key files.plugin.so.owner: unknown key; "},
        {file("/etc/passwd"), "m.yaml:10:3: "},
        {file("/etc/passwd"), "the name is absolute; give each file a plain relative name\n"},
        {file("a/../../b"), "the name has the segment ..; "},
        {file("./a"), "the name has the segment .; "},
        {file("a//b"), "the name has an empty segment; "},
        {file("a/"), "the name has an empty segment; "},
        {file("\"a\\\\b\""), "the name has a backslash; "},
        {file("\"a\\nb\""), "the name has a character outside printable ASCII; "},
        {file("\"b\\u00e4r\""), "the name has a character outside printable ASCII; "},
        {file("a/b/c/d/e"), "the name is deeper than 4 levels; "},
        {file(std::string(256, 'x')), "the name has more than 255 characters; "},
        {file("manifest.yaml"), "m.yaml:10:3: key files.manifest.yaml: cannot list itself"},
        {file("manifest.sig"), "key files.manifest.sig: cannot list itself"},
        {file("plugin.so/x"), "lies in plugin.so, which is a file\n"},
        {file("manifest.sig/x"), "lies in manifest.sig, which is a file\n"},
        {file("LICENSES", "exec"), "key files.LICENSES.mode: must be data\n"},
        {file("plugin.so"), "m.yaml:10:3: key files.plugin.so: the key occurs twice, first on line 9; keep one\n"},
        {good + "---\nid: b\n", "a second document begins here"},
        {"", "m.yaml:1:1: the file is empty\n"},
        {"- a\n", "m.yaml:1:1: must be object, is array\n"},
        {good + "\t- x\n", "m.yaml:"},
        {good + std::string("\0", 1), "a NUL byte"},
        {good + "# \xff\n", "not valid UTF-8"},
        {good + "#" + std::string(256U << 10, 'x'), "has more than 256 KiB"},
    };
    for (const auto& c : cases) {
        INFO(c.told);
        const std::string found = told(c.text);
        INFO(found);
        CHECK(found.find(c.told) != std::string::npos);
    }
    // Several at once.
    CHECK(told(with("id: com.example.thing\nversion: 1.4.0", "id: A\nversion: 5")).find("\nm.yaml:3:1: key version") !=
          std::string::npos);
}

TEST_CASE("a dollar in a manifest is a dollar", "[bundle]") {
    auto manifest = read_manifest(with("vendor: Example", "vendor: ${HOME}"), "m.yaml");
    REQUIRE(manifest);
    CHECK(manifest->vendor == "${HOME}");
}

TEST_CASE("sizes are bounded together", "[bundle]") {
    std::string text = with("size: 5", "size: 536870912");
    CHECK(read_manifest(text, "m.yaml"));
    CHECK(told(text + "  b: {sha256: \"" + zeros + "\", size: 1, mode: data}\n")
              .find("key files: have more than 512 MiB together\n") != std::string::npos);
    text = good;
    for (int i = 0; i < 998; ++i)
        text += "  f" + std::to_string(i) + ": {sha256: \"" + zeros + "\", size: 1, mode: data}\n";
    CHECK(told(text).find("m.yaml:8:1: key files: ") != std::string::npos);
}

TEST_CASE("the schema of a manifest says what each key is", "[bundle]") {
    CHECK(json::Schema::compile(*json::parse(manifest_schema_text())));
    CHECK(is_plugin_id("a"));
    CHECK(is_plugin_id("com.example.a-b"));
    for (std::string_view id : {"", ".", "a.", ".a", "a..b", "A", "a_b", "a b"}) CHECK_FALSE(is_plugin_id(id));
}

TEST_CASE("names", "[bundle]") {
    for (std::string_view name : {"a", "a/b/c/d", "...", "a..b", ".hidden", "a b", "-", "~"}) {
        INFO(name);
        CHECK(name_fault(name).empty());
    }
    CHECK(name_fault("") == "is empty");
    CHECK(name_fault("..") == "has the segment ..");
    CHECK(name_fault("a/..") == "has the segment ..");
    CHECK(name_fault(std::string("a\0b", 3)) == "has a character outside printable ASCII");
}
