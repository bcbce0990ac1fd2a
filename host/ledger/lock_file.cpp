#include "ledger/lock_file.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <cstring>

namespace acp::ledger {

namespace {

std::string holder_of(int fd) {
    char text[32] = {};
    ssize_t count = ::pread(fd, text, sizeof text - 1, 0);
    std::string pid(text, count > 0 ? static_cast<std::size_t>(count) : 0);
    pid.resize(std::min(pid.find_first_not_of("0123456789"), pid.size()));
    return pid.empty() ? "another process" : "process " + pid;
}

}  // namespace

Result<LockFile> LockFile::acquire(const std::string& path) {
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!fd)
        return fail(Code::unavailable, "ledger_unavailable",
                    "cannot open the lock file " + path + ": " + std::strerror(errno) +
                        "; its directory must exist and be writable");
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            return fail(Code::conflict, "ledger_in_use",
                        "the ledger of " + path + " is in use by " + holder_of(fd.get()) +
                            ": stop it, or give this one its own data directory");
        return fail(Code::unavailable, "ledger_unavailable", "cannot lock " + path + ": " + std::strerror(errno));
    }
    std::string pid = std::to_string(::getpid()) + "\n";
    bool written = ::ftruncate(fd.get(), 0) == 0 && ::pwrite(fd.get(), pid.data(), pid.size(), 0) > 0;
    (void)written;  // the pid is for people to read; the lock stands without it
    return LockFile(std::move(fd));
}

}  // namespace acp::ledger
