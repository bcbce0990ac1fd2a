#include "bundle/source.h"

#include <sys/stat.h>

#include <algorithm>

#include "bundle/names.h"
#include "bundle/owned.h"

namespace acp::bundle {

namespace {

/// Keeps one small file.
class TextTaker : public Taker {
public:
    TextTaker(const Subject& subject, std::string_view name, std::int64_t most)
        : subject_(subject), name_(name), most_(static_cast<std::size_t>(most)) {}

    Checked<bool> begin(const Entry& entry) override { return entry.name == name_; }
    Checked<void> take(std::string_view bytes) override {
        text.append(bytes);
        if (text.size() <= most_) return {};
        return subject_.refuse(name_ == signature_name ? "trust" : "manifest", std::string(name_) + " is too large",
                               "at most " + std::to_string(most_) + " bytes", "more",
                               "get the bundle again from its vendor");
    }
    Checked<void> end() override {
        found = true;
        return {};
    }

    std::string text;
    bool found = false;

private:
    const Subject& subject_;
    std::string_view name_;
    std::size_t most_;
};

}  // namespace

Checked<std::string> Source::text(const Subject& subject, std::string_view name, std::int64_t most_bytes) {
    TextTaker taker(subject, name, most_bytes);
    if (auto done = read(taker); !done) return tl::unexpected(done.error());
    if (!taker.found)
        return subject.refuse(
            "manifest", "the file " + std::string(name) + " is missing", std::string(name), "no such file",
            name == signature_name ? "get a signed release of the plugin, or sign it with plugin bundle --key"
                                   : "make the bundle with plugin bundle");
    return std::move(taker.text);
}

Form form_of(const std::filesystem::path& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) return Form::other;
    // Also a folder or a link of this name: whoever loads shared objects says what is wrong with it.
    if (path.extension() == ".so") return Form::library;
    if (S_ISDIR(status.st_mode)) return Form::folder;
    return path.extension() == ".acpb" ? Form::archive : Form::other;
}

Checked<std::unique_ptr<Source>> open_source(const Subject& subject) {
    constexpr auto expected = "a bundle folder or an .acpb file";
    struct stat status {};
    if (::lstat(subject.path.c_str(), &status) != 0)
        return subject.refuse("file", "it cannot be read", expected, system_reason(),
                              "check the path and who may read it");
    if (S_ISLNK(status.st_mode))
        return subject.refuse("file", "it is a symbolic link", expected, "a symbolic link", "name the bundle itself");
    switch (form_of(subject.path)) {
        case Form::folder:
            return open_folder(subject);
        case Form::archive:
            return open_archive(subject);
        case Form::library:
            return subject.refuse("trust", "a bare shared object has no manifest and no signature", expected,
                                  "a .so file", "install the plugin as a bundle, or make one with plugin bundle");
        case Form::other:
            break;
    }
    return subject.refuse("file", "it is no bundle", expected, "another kind of file",
                          "name a bundle folder or an .acpb file");
}

Checked<void> judge_entries(const Subject& subject, std::vector<Entry>& entries) {
    const std::string remedy = "get the bundle again from its vendor";
    if (entries.size() > most_files)
        return subject.refuse("file", "it has too many files", "at most " + std::to_string(most_files),
                              std::to_string(entries.size()), remedy);
    std::int64_t total = 0;
    for (const auto& entry : entries) {
        if (std::string fault = name_fault(entry.name); !fault.empty())
            return subject.refuse("file", "the name of a file " + fault, "a plain relative name", shown(entry.name),
                                  remedy);
        // Each is bounded before it is added: the sum cannot overflow.
        if (entry.size < 0 || entry.size > most_bundle_bytes || (total += entry.size) > most_bundle_bytes)
            return subject.refuse("file", "it is too large", "at most 512 MiB", "more, with " + shown(entry.name),
                                  remedy);
    }
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
    auto twice = std::adjacent_find(entries.begin(), entries.end(),
                                    [](const Entry& a, const Entry& b) { return a.name == b.name; });
    if (twice != entries.end())
        return subject.refuse("file", "it has the file " + shown(twice->name) + " twice", "each name once",
                              "two of them", remedy);
    return {};
}

}  // namespace acp::bundle
