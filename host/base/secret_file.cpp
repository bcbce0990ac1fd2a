#include "base/secret_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "base/bytes.h"
#include "base/unique_fd.h"

namespace acp {

namespace fs = std::filesystem;

namespace {

constexpr off_t kMostBytes = 64 << 10;

std::string reason(int error) {
    return std::generic_category().message(error);
}

tl::unexpected<Error> refused(const fs::path& file, Code code, const std::string& what) {
    return fail(code, "secret_file", "the file " + file.string() + ' ' + what);
}

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t count = ::write(fd, text.data(), text.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return false;
        text.remove_prefix(static_cast<std::size_t>(count));
    }
    return ::fsync(fd) == 0;
}

/// Writes beside the place, so that nobody ever reads half a file, and has `move` do the rest; it gives an errno.
Result<void> put_in_place(const fs::path& file, std::string_view text, int (*move)(const char* draft, const char* place)) {
    const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
    std::error_code ec;
    // The folder of somebody else's choice keeps its mode.
    if (fs::create_directories(folder, ec)) fs::permissions(folder, fs::perms::owner_all, ec);
    if (ec) return refused(file, Code::unavailable, "cannot be made, its folder neither: " + ec.message());
    const fs::path draft = file.string() + "." + random_token(6);
    UniqueFd fd(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd) return refused(file, Code::unavailable, "cannot be made: " + reason(errno));
    if (!write_all(fd.get(), text)) {
        const int cause = errno;
        ::unlink(draft.c_str());
        return refused(file, Code::unavailable, "cannot be written: " + reason(cause));
    }
    if (const int cause = move(draft.c_str(), file.c_str()); cause != 0)
        return refused(file, Code::unavailable, "cannot be put in place: " + reason(cause));
    UniqueFd parent(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (parent) ::fsync(parent.get());
    return {};
}

}  // namespace

std::string exposure_of_secret(const struct stat& status, const fs::path& file) {
    // Root looks at the files of the server's user, too: when it checks a configuration for that user.
    const uid_t own = ::geteuid();
    if (status.st_uid != own && status.st_uid != 0 && own != 0)
        return "belongs to another user, who can replace it; chown it to the server's user or root";
    const mode_t forbidden = status.st_uid == 0 ? S_IWGRP | S_IXGRP | S_IRWXO : S_IRWXG | S_IRWXO;
    if ((status.st_mode & forbidden) == 0) return {};
    return "is readable or writable by others; run chmod " + std::string(status.st_uid == 0 ? "640 " : "600 ") + file.string();
}

Result<std::string> read_secret_file(const fs::path& file) {
    // Not blocking: a FIFO in the file's place must not hold the server up.
    UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd && errno == ENOENT) return refused(file, Code::not_found, "does not exist");
    if (!fd) return refused(file, Code::unavailable, "cannot be read: " + reason(errno));
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) return refused(file, Code::unavailable, "cannot be read: " + reason(errno));
    if (!S_ISREG(status.st_mode)) return refused(file, Code::invalid, "is no regular file");
    if (status.st_size > kMostBytes) return refused(file, Code::invalid, "has more than 64 KiB");
    if (std::string fault = exposure_of_secret(status, file); !fault.empty()) return refused(file, Code::invalid, fault);
    std::string text(static_cast<std::size_t>(status.st_size), '\0');
    std::size_t filled = 0;
    while (filled < text.size()) {
        const ssize_t count = ::read(fd.get(), text.data() + filled, text.size() - filled);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) {
            const int cause = errno;
            wipe(text);
            return refused(file, Code::unavailable, "cannot be read: " + reason(cause));
        }
        if (count == 0) break;
        filled += static_cast<std::size_t>(count);
    }
    text.resize(filled);
    return text;
}

Result<void> make_secret_file(const fs::path& file, std::string_view text) {
    // The link fails when another process was first.
    return put_in_place(file, text, [](const char* draft, const char* place) {
        const int cause = ::link(draft, place) == 0 ? 0 : errno;
        ::unlink(draft);
        return cause == EEXIST ? 0 : cause;
    });
}

Result<void> replace_secret_file(const fs::path& file, std::string_view text) {
    return put_in_place(file, text, [](const char* draft, const char* place) {
        const int cause = ::rename(draft, place) == 0 ? 0 : errno;
        if (cause != 0) ::unlink(draft);
        return cause;
    });
}

}  // namespace acp
