#include "bundle/found.h"

#include <algorithm>

#include "bundle/names.h"

namespace acp::bundle {

namespace fs = std::filesystem;

namespace {

/// A bundle that lost a part is still shown, with what it lacks.
bool looks_like_bundle(const fs::path& folder) {
    std::error_code ec;
    for (auto name : {manifest_name, signature_name, library_name})
        if (fs::exists(fs::symlink_status(folder / name, ec))) return true;
    return false;
}

}  // namespace

Result<std::vector<fs::path>> found_in(const fs::path& directory) {
    std::vector<fs::path> out;
    std::error_code ec;
    for (fs::directory_iterator entry(directory, ec), end; !ec && entry != end; entry.increment(ec)) {
        const auto& path = entry->path();
        std::error_code ignored;
        const auto ending = path.extension();
        if (ending == ".so" || ending == ".acpb" || (entry->is_directory(ignored) && looks_like_bundle(path)))
            out.push_back(path);
    }
    if (ec)
        return fail(Code::invalid, "plugin_folder",
                    "the plugin folder " + directory.string() + " cannot be read: " + ec.message() +
                        "; correct plugins.directories");
    std::sort(out.begin(), out.end());
    return out;
}

}  // namespace acp::bundle
