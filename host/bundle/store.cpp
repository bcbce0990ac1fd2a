#include "bundle/store.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <vector>

#include "base/bytes.h"
#include "bundle/owned.h"

namespace acp::bundle {

namespace fs = std::filesystem;

namespace {

/// Names that begin so are no entries: an entry is 64 digits of hex.
constexpr std::string_view draft_prefix = ".draft-";
constexpr auto abandoned_after = std::chrono::hours(1);

tl::unexpected<Error> unwritable(const fs::path& path) {
    const std::string reason = system_reason();
    return fail(Code::unavailable, "store_unwritable",
                "the plugin store cannot be written at " + path.string() + ": " + reason);
}

bool sync_folder(const fs::path& folder) {
    UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    return fd && ::fsync(fd.get()) == 0;
}

/// `folder` and the folders in it, the inner ones first.
void list_folders(const fs::path& folder, std::vector<fs::path>& out) {
    std::error_code ec;
    for (const auto& child : fs::directory_iterator(folder, ec))
        if (child.is_directory(ec)) list_folders(child.path(), out);
    out.push_back(folder);
}

}  // namespace

void remove_tree(const fs::path& path) {
    std::error_code ec;
    const auto kind = fs::symlink_status(path, ec).type();
    if (kind == fs::file_type::directory) {
        fs::permissions(path, fs::perms::owner_all, ec);
        std::vector<fs::path> children;
        for (const auto& child : fs::directory_iterator(path, ec)) children.push_back(child.path());
        for (const auto& child : children) remove_tree(child);
    }
    if (kind != fs::file_type::not_found) fs::remove(path, ec);
}

Draft::~Draft() {
    if (!folder_.empty()) remove_tree(folder_);
}

Result<void> Draft::begin(const std::string& name, bool is_exec) {
    const fs::path path = folder_ / name;
    for (auto slash = name.find('/'); slash != std::string::npos; slash = name.find('/', slash + 1)) {
        const fs::path parent = folder_ / name.substr(0, slash);
        if (::mkdir(parent.c_str(), 0700) != 0 && errno != EEXIST) return unwritable(parent);
    }
    const mode_t mode = is_exec ? 0500 : 0400;
    file_.reset(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
    // Whatever the umask.
    if (!file_ || ::fchmod(file_.get(), mode) != 0) return unwritable(path);
    return {};
}

Result<void> Draft::write(std::string_view bytes) {
    while (!bytes.empty()) {
        ssize_t count = ::write(file_.get(), bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return unwritable(folder_);
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
}

Result<void> Draft::end() {
    if (::fsync(file_.get()) != 0) return unwritable(folder_);
    file_.reset();
    return {};
}

Result<Store> Store::open(const fs::path& folder) {
    std::error_code ec;
    fs::create_directories(folder.parent_path(), ec);
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return unwritable(folder);
    UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0) return unwritable(folder);
    if (status.st_uid != ::geteuid())
        return fail(Code::invalid, "store_exposed",
                    "the plugin store " + folder.string() + " belongs to uid " + std::to_string(status.st_uid) +
                        "; chown it to the server's user");
    if ((status.st_mode & 07777U) != 0700 && ::fchmod(fd.get(), 0700) != 0) return unwritable(folder);

    const auto now = fs::file_time_type::clock::now();
    std::vector<fs::path> abandoned;
    for (const auto& entry : fs::directory_iterator(folder, ec)) {
        const auto written = fs::last_write_time(entry.path(), ec);
        if (!ec && entry.path().filename().string().starts_with(draft_prefix) && now - written > abandoned_after)
            abandoned.push_back(entry.path());
    }
    for (const auto& path : abandoned) remove_tree(path);
    return Store(folder);
}

Result<Draft> Store::draft() const {
    const fs::path path = folder_ / (std::string(draft_prefix) + random_token(9));
    if (::mkdir(path.c_str(), 0700) != 0) return unwritable(path);
    return Draft(path);
}

Result<void> Store::commit(Draft draft, const std::string& sha256) const {
    std::vector<fs::path> folders;
    list_folders(draft.folder_, folders);
    for (const auto& folder : folders)
        if (::chmod(folder.c_str(), 0500) != 0 || !sync_folder(folder)) return unwritable(folder);
    const fs::path to = entry(sha256);
    // More rounds when another process is at it.
    for (int round = 0; ::rename(draft.folder_.c_str(), to.c_str()) != 0; ++round) {
        if (round == 8 || (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR)) return unwritable(to);
        // At no moment is the entry missing: another process may be about to load it.
        if (::renameat2(AT_FDCWD, draft.folder_.c_str(), AT_FDCWD, to.c_str(), RENAME_EXCHANGE) == 0) {
            remove_tree(draft.folder_);
            break;
        }
        if (errno == ENOENT) continue;
        // A file system that cannot exchange.
        const fs::path aside = folder_ / (std::string(draft_prefix) + random_token(9));
        if (::rename(to.c_str(), aside.c_str()) != 0 && errno != ENOENT) return unwritable(to);
        remove_tree(aside);
    }
    draft.folder_.clear();
    if (!sync_folder(folder_)) return unwritable(folder_);
    return {};
}

}  // namespace acp::bundle
