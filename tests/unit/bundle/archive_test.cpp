// Archives as a stranger may make them.
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "unit/bundle/house.h"

using namespace acp;
using namespace acp::bundle;
using namespace acp::bundle::test;

namespace {

std::vector<TarEntry> entries_of(Sample& sample) {
    std::vector<TarEntry> out;
    for (const auto& [name, bytes] : sample.all(nullptr)) out.push_back({name, bytes, '0', ""});
    return out;
}

/// The verdict on these bytes as an .acpb.
std::optional<Fault> judge(const TempDir& dir, std::string_view bytes) {
    const auto file = put(dir.path() / "a.acpb", bytes);
    const fs::path store = dir.path() / "store";
    const auto verified = verify_bundle(file, {});
    const auto opened = open_bundle(file, {}, store);
    CHECK(verified.fault.has_value() == opened.fault.has_value());
    if (opened.fault && fs::exists(store)) CHECK(fs::is_empty(store));
    // Whatever it says, nothing appears beside it.
    for (const auto& entry : fs::directory_iterator(dir.path())) CHECK((entry.path() == file || entry.path() == store));
    return opened.fault;
}

}  // namespace

TEST_CASE("an archive is a bundle", "[bundle]") {
    const TempDir dir;
    const Key key;
    Sample sample;
    const auto file = put(dir.path() / "a.acpb", tar(sample.all(&key)));
    const auto trust = trust_in(key, Policy::is_signed, dir.path() / "trust");
    const auto opened = open_bundle(file, trust, dir.path() / "store");
    if (opened.fault) FAIL(opened.fault->message + " " + opened.fault->found);
    CHECK(contents(opened.library) == sample.files["plugin.so"]);
    CHECK(contents(opened.folder / "share/icons/a.svg") == "<svg/>");
    CHECK(*opened.manifest == sample.manifest);
    // Folders, and zeros up to a record's end, as tar(1) writes them.
    auto entries = entries_of(sample);
    entries.insert(entries.begin(), {"share/", "", '5', ""});
    entries.insert(entries.begin() + 1, {"share/icons", "", '5', ""});
    CHECK_FALSE(judge(TempDir(), tar(entries) + std::string(8192, '\0')));
}

TEST_CASE("every way for an archive to be refused", "[bundle]") {
    Sample sample;
    const auto good = entries_of(sample);
    const std::string whole = tar(good);
    auto with = [&](TarEntry entry) {
        auto out = good;
        out.push_back(std::move(entry));
        return tar(out);
    };
    std::string bad_sum = whole;
    bad_sum[0] = static_cast<char>(bad_sum[0] ^ 1);
    std::string other = whole;
    other[other.find("not really code")] = 'N';
    auto without = [&](const std::string& name) {
        auto out = good;
        std::erase_if(out, [&](const TarEntry& e) { return e.name == name; });
        return tar(out);
    };
    // The magic of another tar, and none, with the header's sum made right.
    auto magic = [&](const std::string& bytes) {
        std::string out = tar_entry({"x", "", '0', ""});
        unsigned before = 0, after = 0;
        for (std::size_t i = 257; i < 265; ++i) before += static_cast<unsigned char>(out[i]);
        out.replace(257, 8, bytes);
        for (std::size_t i = 257; i < 265; ++i) after += static_cast<unsigned char>(out[i]);
        char sum[8];
        std::snprintf(sum, sizeof sum, "%06o",
                      static_cast<unsigned>(std::stoul(out.substr(148, 6), nullptr, 8)) - before + after);
        out.replace(148, 6, sum);
        return out + whole;
    };
    // A GNU sparse file: the archive holds less than the file.
    TarEntry sparse{"sparse", "x", 'S', ""};
    std::string bomb = tar_entry({"bomb", "", '0', ""});
    bomb.replace(124, 11, "77777777777");
    std::vector<TarEntry> many = good;
    for (int i = 0; i < 1000; ++i) many.push_back({"f" + std::to_string(i), "", '0', ""});
    std::vector<TarEntry> folders = good;
    for (int i = 0; i < 1001; ++i) folders.push_back({"d" + std::to_string(i), "", '5', ""});
    auto pax = [](const std::string& key, const std::string& value) {
        std::string record = " " + key + "=" + value + "\n";
        std::size_t size = record.size() + 2;
        while (std::to_string(size).size() + record.size() != size) ++size;
        return tar_entry({"PaxHeader", std::to_string(size) + record, 'x', ""});
    };
    struct Case {
        std::string name, bytes, stage, message;
    };
    const std::vector<Case> cases = {
        {"nothing", "", "file", "the archive is cut off"},
        {"a text", "hello\n", "file", "the archive is damaged"},
        {"zeros", std::string(1024, '\0'), "manifest", "manifest.yaml is missing"},
        {"half a header", whole.substr(0, 300), "file", "the archive is "},
        {"a cut inside a file", whole.substr(0, 600), "file", "the archive is cut off"},
        {"a cut behind a file", whole.substr(0, whole.size() - 1024), "file", "the archive is cut off"},
        {"half an end mark", whole.substr(0, whole.size() - 512), "file", "the archive is cut off"},
        {"an end mark that is cut", whole.substr(0, whole.size() - 1), "file", "the archive is cut off"},
        {"bytes behind the end", whole + "x", "file", "behind the archive's end"},
        {"an archive behind the end", whole + whole, "file", "behind the archive's end"},
        {"a bad checksum", bad_sum, "file", "the archive is damaged"},
        {"gzip", std::string("\x1f\x8b\x08\0\0\0\0\0\0\0", 10) + whole, "file", "the archive is damaged"},
        {"GNU tar", magic(std::string("ustar  \0", 8)), "file", "no POSIX tar"},
        {"the seventh edition's tar", magic(std::string(8, '\0')), "file", "no POSIX tar"},
        {"an absolute name", with({"/etc/cron.d/x", "x", '0', ""}), "file", "is absolute"},
        {"a name that climbs", with({"../x", "x", '0', ""}), "file", "has the segment .."},
        {"a name that climbs later", with({"share/../../x", "x", '0', ""}), "file", "has the segment .."},
        {"a name with a dot", with({"./plugin.so", "x", '0', ""}), "file", "has the segment ."},
        {"a name with a backslash", with({"a\\b", "x", '0', ""}), "file", "has a backslash"},
        {"a name with a control", with({"a\nb", "x", '0', ""}), "file", "outside printable ASCII"},
        {"a name that is no UTF-8", with({"a\xff", "x", '0', ""}), "file", ""},
        {"too deep a name", with({"a/b/c/d/e", "x", '0', ""}), "file", "deeper than 4 levels"},
        {"a folder that climbs", with({"../up", "", '5', ""}), "file", "has the segment .."},
        {"an absolute folder", with({"/", "", '5', ""}), "file", "a folder is empty"},
        {"a pax name that climbs", pax("path", "../../x") + tar(good), "file", "has the segment .."},
        {"a symbolic link", with({"link", "", '2', "/etc/passwd"}), "file", "has a symbolic link, link"},
        {"a hard link", with({"link", "", '1', "plugin.so"}), "file", "has a hard link, link"},
        {"a hard link with bytes", with({"link", "x", '1', "plugin.so"}), "file", "the archive "},
        {"a device", with({"dev", "", '3', ""}), "file", "has a special file, dev"},
        {"a block device", with({"dev", "", '4', ""}), "file", "has a special file, dev"},
        {"a pipe", with({"pipe", "", '6', ""}), "file", "has a special file, pipe"},
        {"a sparse file", with(sparse), "", ""},
        {"a pax sparse file", pax("GNU.sparse.major", "1") + tar(good), "", ""},
        {"a file twice", with({"plugin.so", "not really code", '0', ""}), "file", "has the file plugin.so twice"},
        {"a manifest twice", with({"manifest.yaml", "x", '0', ""}), "file", "has the file manifest.yaml twice"},
        {"a size beyond the end", bomb + whole, "file", "the archive is "},
        {"too many files", tar(many), "file", "too many files"},
        {"too many folders", tar(folders), "file", "one too many"},
        {"an extra file", with({"extra", "x", '0', ""}), "manifest", "extra is not in the manifest"},
        {"a missing file", without("LICENSES"), "manifest", "LICENSES is missing"},
        {"no manifest", without("manifest.yaml"), "manifest", "manifest.yaml is missing"},
        {"other bytes", other, "manifest", "plugin.so is not the one"},
        {"a file where a folder is", with({"share", "x", '0', ""}), "manifest", "share is not in the manifest"},
    };
    for (const auto& c : cases) {
        INFO(c.name);
        const TempDir dir;
        const auto fault = judge(dir, c.bytes);
        REQUIRE(fault);
        INFO(fault->stage << " | " << fault->message << " | " << fault->found);
        if (!c.stage.empty()) CHECK(fault->stage == c.stage);
        CHECK(fault->message.find(c.message) != std::string::npos);
        CHECK_FALSE(fault->remedy.empty());
    }
}

TEST_CASE("an archive cut anywhere is refused", "[bundle]") {
    const TempDir dir;
    Sample sample;
    const std::string whole = tar(sample.all(nullptr));
    for (std::size_t size = 0; size < whole.size(); size += 97) {
        INFO(size);
        put(dir.path() / "a.acpb", std::string_view(whole).substr(0, size));
        const auto opened = verify_bundle(dir.path() / "a.acpb", {});
        REQUIRE(opened.fault);
        CHECK(opened.fault->stage == "file");
    }
}

TEST_CASE("the archive's own file is judged", "[bundle]") {
    const TempDir dir;
    Sample sample;
    const auto file = put(dir.path() / "a.acpb", tar(sample.all(nullptr)));
    REQUIRE_FALSE(verify_bundle(file, {}).fault);
    ::chmod(file.c_str(), 0664);
    CHECK(verify_bundle(file, {}).fault->message.find("it may be written by others") != std::string::npos);
    ::chmod(file.c_str(), 0644);
    fs::create_symlink(file, dir.path() / "b.acpb");
    CHECK(verify_bundle(dir.path() / "b.acpb", {}).fault->message.find("it is a symbolic link") != std::string::npos);
    fs::resize_file(file, 600ULL << 20);
    CHECK(verify_bundle(file, {}).fault->message.find("it is too large") != std::string::npos);
    ::mkfifo((dir.path() / "p.acpb").c_str(), 0600);
    CHECK(verify_bundle(dir.path() / "p.acpb", {}).fault->message.find("it is no regular file") != std::string::npos);
}
