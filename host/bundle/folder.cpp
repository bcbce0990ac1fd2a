// A bundle as a folder. Everything is opened relative to the folder's own
// descriptor without following links, so that what is judged is what is read.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <memory>

#include "base/unique_fd.h"
#include "bundle/names.h"
#include "bundle/owned.h"
#include "bundle/source.h"

namespace acp::bundle {

namespace {

constexpr int folder_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
// Not blocking: a FIFO that took the file's place must not hold the host up.
constexpr int file_flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;

struct CloseFolder {
    void operator()(DIR* folder) const noexcept { ::closedir(folder); }
};
using FolderPtr = std::unique_ptr<DIR, CloseFolder>;

class Folder : public Source {
public:
    Folder(Subject subject, UniqueFd root) : subject_(std::move(subject)), root_(std::move(root)) {}

    Checked<std::vector<Entry>> entries() override {
        entries_.clear();
        folders_ = 0;
        struct stat status {};
        if (::fstat(root_.get(), &status) != 0) return unreadable("");
        if (auto good = judge(status, ""); !good) return tl::unexpected(good.error());
        if (auto good = walk(root_.get(), "", 1); !good) return tl::unexpected(good.error());
        if (auto good = judge_entries(subject_, entries_); !good) return tl::unexpected(good.error());
        return entries_;
    }

    Checked<void> read(Taker& taker) override {
        for (const auto& entry : entries_) {
            auto wanted = taker.begin(entry);
            if (!wanted) return tl::unexpected(wanted.error());
            if (!*wanted) continue;
            auto fd = open(entry.name);
            if (!fd) return tl::unexpected(fd.error());
            if (auto done = copy(fd->get(), entry, taker); !done) return done;
            if (auto done = taker.end(); !done) return done;
        }
        return {};
    }

private:
    static std::string named(std::string_view name) { return name.empty() ? "its folder" : "the file " + shown(name); }

    tl::unexpected<Fault> unreadable(std::string_view name) const {
        return subject_.refuse("file", named(name) + " cannot be read", "a readable file", system_reason(),
                               "check who may read the bundle");
    }

    /// By owner, mode and kind.
    Checked<void> judge(const struct stat& status, std::string_view name) const {
        if (S_ISLNK(status.st_mode))
            return subject_.refuse("file", named(name) + " is a symbolic link", "regular files and folders",
                                   "a symbolic link", "put the file itself there");
        if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))
            return subject_.refuse("file", named(name) + " is no regular file", "regular files and folders",
                                   "a device, socket or pipe", "remove it");
        // Another name, possibly where others may write, leads to the same bytes.
        if (S_ISREG(status.st_mode) && status.st_nlink != 1)
            return subject_.refuse("file", named(name) + " has a second name", "one hard link",
                                   std::to_string(status.st_nlink) + " hard links",
                                   "copy the bundle instead of linking its files");
        if (auto open = exposure(status); !open.what.empty())
            return subject_.refuse("file", named(name) + " " + open.what, open.expected, open.found,
                                   open.remedy + " " + shown((subject_.path / name).string()));
        return {};
    }

    Checked<void> walk(int folder, const std::string& prefix, int depth) {
        UniqueFd own(::fcntl(folder, F_DUPFD_CLOEXEC, 0));
        FolderPtr listing(own ? ::fdopendir(own.get()) : nullptr);
        if (!listing) return unreadable(prefix);
        (void)own.release();  // closedir closes it
        // The duplicate shares its place with the original, which an earlier walk has moved.
        ::rewinddir(listing.get());
        for (;;) {
            errno = 0;
            const dirent* found = ::readdir(listing.get());
            if (found == nullptr && errno != 0) return unreadable(prefix);
            if (found == nullptr) return {};
            const std::string_view last = found->d_name;
            if (last == "." || last == "..") continue;
            if (auto done = visit(folder, found->d_name, prefix + std::string(last), depth); !done) return done;
        }
    }

    Checked<void> visit(int folder, const char* last, const std::string& name, int depth) {
        struct stat status {};
        if (::fstatat(folder, last, &status, AT_SYMLINK_NOFOLLOW) != 0) return unreadable(name);
        if (auto good = judge(status, name); !good) return good;
        if (!S_ISDIR(status.st_mode)) {
            entries_.push_back({name, status.st_size});
        } else {
            if (depth >= most_depth || ++folders_ > most_files)
                return subject_.refuse("file", "the folder " + shown(name) + " is one too many",
                                       "at most " + std::to_string(most_depth - 1) + " levels of folders and " +
                                           std::to_string(most_files) + " of them",
                                       "more", "get the bundle again from its vendor");
            UniqueFd fd(::openat(folder, last, folder_flags));
            if (!fd || ::fstat(fd.get(), &status) != 0) return unreadable(name);
            if (auto good = judge(status, name); !good) return good;
            if (auto good = walk(fd.get(), name + "/", depth + 1); !good) return good;
        }
        // Stops early: a folder can be larger than memory.
        if (entries_.size() > most_files) return judge_entries(subject_, entries_);
        return {};
    }

    /// Opens one of the entries, which may have been replaced since, and judges it again.
    Checked<UniqueFd> open(const std::string& name) const {
        UniqueFd folder;
        int at = root_.get();
        std::size_t start = 0;
        for (auto slash = name.find('/'); slash != std::string::npos; slash = name.find('/', start)) {
            folder.reset(::openat(at, name.substr(start, slash - start).c_str(), folder_flags));
            struct stat status {};
            if (!folder || ::fstat(folder.get(), &status) != 0) return unreadable(name);
            if (auto good = judge(status, name.substr(0, slash)); !good) return tl::unexpected(good.error());
            at = folder.get();
            start = slash + 1;
        }
        UniqueFd fd(::openat(at, name.c_str() + start, file_flags));
        struct stat status {};
        if (!fd || ::fstat(fd.get(), &status) != 0) return unreadable(name);
        if (auto good = judge(status, name); !good) return tl::unexpected(good.error());
        if (!S_ISREG(status.st_mode))
            return subject_.refuse("file", named(name) + " is no regular file", "a regular file", "a folder",
                                   "leave the bundle alone while it is read");
        return fd;
    }

    Checked<void> copy(int fd, const Entry& entry, Taker& taker) const {
        std::array<char, 65536> buffer;
        std::int64_t left = entry.size;
        for (;;) {
            ssize_t count = ::read(fd, buffer.data(), buffer.size());
            if (count < 0 && errno == EINTR) continue;
            if (count < 0) return unreadable(entry.name);
            if (count == 0) return {};
            // A file that grows would otherwise be read for ever.
            if ((left -= count) < 0)
                return subject_.refuse("file", named(entry.name) + " grew while it was read",
                                       std::to_string(entry.size) + " bytes", "more",
                                       "leave the bundle alone while it is read");
            if (auto done = taker.take({buffer.data(), static_cast<std::size_t>(count)}); !done) return done;
        }
    }

    Subject subject_;
    UniqueFd root_;
    std::vector<Entry> entries_;
    std::size_t folders_ = 0;
};

}  // namespace

Checked<std::unique_ptr<Source>> open_folder(const Subject& subject) {
    UniqueFd root(::open(subject.path.c_str(), folder_flags));
    if (!root)
        return subject.refuse("file", "its folder cannot be read", "a readable folder", system_reason(),
                              "check the path and who may read it");
    return std::make_unique<Folder>(subject, std::move(root));
}

}  // namespace acp::bundle
