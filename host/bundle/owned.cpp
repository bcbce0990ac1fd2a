#include "bundle/owned.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "base/unique_fd.h"

namespace acp::bundle {

std::string system_reason() {
    return std::generic_category().message(errno);
}

Exposure exposure(const struct stat& status) {
    const auto own = ::geteuid();
    if (status.st_uid != 0 && status.st_uid != own)
        return {"belongs to somebody else", own == 0 ? "owner root" : "owner root or uid " + std::to_string(own),
                "uid " + std::to_string(status.st_uid), "chown root"};
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) == 0) return {};
    std::array<char, 8> mode{};
    std::snprintf(mode.data(), mode.size(), "%04o", static_cast<unsigned>(status.st_mode & 07777U));
    return {"may be written by others",
            S_ISDIR(status.st_mode) ? "mode 0755 or stricter" : "no write permission for group and others",
            std::string("mode ") + mode.data(), "chmod go-w"};
}

Result<std::string> read_owned_file(const std::filesystem::path& file, std::string_view what, std::size_t most_bytes) {
    auto refuse = [&](const std::string& why, Code code = Code::invalid) {
        return fail(code, "file_refused", std::string(what) + ' ' + file.string() + ' ' + why);
    };
    // Not blocking: a FIFO in the file's place must not hold the caller up.
    UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!fd && errno == ENOENT) return refuse("does not exist", Code::not_found);
    if (!fd && errno == ELOOP) return refuse("is a symbolic link; put the file itself there");
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0) return refuse("cannot be read: " + system_reason());
    if (!S_ISREG(status.st_mode)) return refuse("is no file");
    if (auto open = exposure(status); !open.what.empty())
        return refuse(open.what + " (" + open.found + "); " + open.remedy + " it");
    std::string text;
    std::array<char, 16384> buffer;
    for (;;) {
        ssize_t count = ::read(fd.get(), buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return refuse("cannot be read: " + system_reason());
        if (count == 0) return text;
        text.append(buffer.data(), static_cast<std::size_t>(count));
        if (text.size() > most_bytes) return refuse("has more than " + std::to_string(most_bytes >> 10) + " KiB");
    }
}

}  // namespace acp::bundle
