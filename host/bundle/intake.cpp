#include "bundle/intake.h"

#include "bundle/names.h"

namespace acp::bundle {

namespace {

constexpr auto again = "get the bundle again from its vendor";

std::string in_bytes(std::int64_t size) {
    return std::to_string(size) + " bytes";
}

}  // namespace

Checked<void> judge_files(const Subject& subject, const Manifest& manifest, const std::vector<Entry>& entries) {
    std::set<std::string_view> names;
    for (const auto& entry : entries) {
        names.insert(entry.name);
        if (entry.name == manifest_name || entry.name == signature_name) continue;
        auto wanted = manifest.files.find(entry.name);
        if (wanted == manifest.files.end())
            return subject.refuse("manifest", "the file " + shown(entry.name) + " is not in the manifest",
                                  "only the files that the manifest lists", shown(entry.name),
                                  std::string("remove the file, or ") + again);
        if (entry.size != wanted->second.size)
            return subject.refuse("manifest", "the file " + entry.name + " has another size than the manifest says",
                                  in_bytes(wanted->second.size), in_bytes(entry.size), again);
    }
    for (const auto& [name, file] : manifest.files)
        if (names.count(name) == 0)
            return subject.refuse("manifest", "the file " + name + " is missing", name, "no such file", again);
    return {};
}

tl::unexpected<Fault> Intake::unwritable(const Error& error) const {
    return subject_.refuse("file", "it cannot be put into the store", "a writable store", error.message,
                           "check plugins.store, its owner and its disk");
}

Checked<bool> Intake::begin(const Entry& entry) {
    if (entry.name == signature_name) return false;
    bool is_exec = false;
    if (entry.name == manifest_name) {
        wanted_ = sha256_;
        size_ = -1;
    } else {
        auto file = manifest_.files.find(entry.name);
        if (file == manifest_.files.end())
            return subject_.refuse("manifest", "the file " + shown(entry.name) + " is not in the manifest",
                                   "only the files that the manifest lists", shown(entry.name), again);
        wanted_ = file->second.sha256;
        size_ = file->second.size;
        is_exec = file->second.is_exec;
    }
    name_ = entry.name;
    taken_ = 0;
    digest_.emplace();
    if (!done_.insert(name_).second)
        return subject_.refuse("file", "it has the file " + name_ + " twice", "each name once", "two of them", again);
    if (draft_)
        if (auto begun = draft_->begin(name_, is_exec); !begun) return unwritable(begun.error());
    return true;
}

Checked<void> Intake::take(std::string_view bytes) {
    taken_ += static_cast<std::int64_t>(bytes.size());
    if (size_ >= 0 && taken_ > size_)
        return subject_.refuse("manifest", "the file " + name_ + " has another size than the manifest says",
                               in_bytes(size_), "more", again);
    digest_->add(bytes);
    if (draft_)
        if (auto written = draft_->write(bytes); !written) return unwritable(written.error());
    return {};
}

Checked<void> Intake::end() {
    if (size_ >= 0 && taken_ != size_)
        return subject_.refuse("manifest", "the file " + name_ + " has another size than the manifest says",
                               in_bytes(size_), in_bytes(taken_), again);
    if (std::string found = digest_->take(); found != wanted_) {
        if (name_ == manifest_name)
            return subject_.refuse("manifest", "the manifest changed while the bundle was read", "sha256 " + wanted_,
                                   "sha256 " + found, "leave the bundle alone while it is read");
        return subject_.refuse("manifest", "the file " + name_ + " is not the one that the manifest lists",
                               "sha256 " + wanted_, "sha256 " + found, again);
    }
    if (draft_)
        if (auto ended = draft_->end(); !ended) return unwritable(ended.error());
    return {};
}

Checked<void> Intake::finish() const {
    for (const auto& [name, file] : manifest_.files)
        if (done_.count(name) == 0)
            return subject_.refuse("manifest", "the file " + name + " is missing", name, "no such file", again);
    if (done_.count(std::string(manifest_name)) == 0)
        return subject_.refuse("manifest", "the file manifest.yaml is missing", "manifest.yaml", "no such file", again);
    return {};
}

}  // namespace acp::bundle
