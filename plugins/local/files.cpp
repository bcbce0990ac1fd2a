#include "files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>

namespace acp::local {

namespace {

[[noreturn]] void fail(const char* what, const std::filesystem::path& path) {
    const int error = errno;
    throw std::system_error(error, std::generic_category(), std::string(what) + " " + path.string());
}

void sync_folder(const std::filesystem::path& folder) {
    Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd || ::fsync(fd.get()) != 0) fail("cannot sync", folder);
}

}  // namespace

std::pair<Fd, Fd> make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "cannot make a pipe");
    return {Fd(ends[0]), Fd(ends[1])};
}

std::optional<std::string> read_file(const std::filesystem::path& path, std::size_t max_bytes) {
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!fd) {
        if (errno == ENOENT) return std::nullopt;
        fail("cannot read", path);
    }
    std::string content;
    char buffer[16384];
    for (;;) {
        const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
        if (got == 0) return content;
        if (got < 0) {
            if (errno == EINTR) continue;
            fail("cannot read", path);
        }
        if (content.size() + static_cast<std::size_t>(got) > max_bytes) {
            errno = EFBIG;
            fail("cannot read", path);
        }
        content.append(buffer, static_cast<std::size_t>(got));
    }
}

void write_file(const std::filesystem::path& path, std::string_view content, ::mode_t mode, Durable durable) {
    std::filesystem::path draft = path;
    draft += ".new";
    {
        ::unlink(draft.c_str());
        Fd fd(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
        if (!fd || ::fchmod(fd.get(), mode) != 0 || !write_all(fd.get(), content)) fail("cannot write", draft);
        if (durable == Durable::yes && ::fsync(fd.get()) != 0) fail("cannot sync", draft);
    }
    if (::rename(draft.c_str(), path.c_str()) != 0) fail("cannot replace", path);
    if (durable == Durable::yes) sync_folder(path.parent_path());
}

bool write_all(int fd, std::string_view content) noexcept {
    while (!content.empty()) {
        const ssize_t put = ::write(fd, content.data(), content.size());
        if (put < 0) {
            if (errno == EINTR) continue;
            return false;
        }
        content.remove_prefix(static_cast<std::size_t>(put));
    }
    return true;
}

}  // namespace acp::local
