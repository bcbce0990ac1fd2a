// local: descriptors and small files, for the plugin and the supervisor.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace acp::local {

/// A file descriptor that closes itself.
class Fd {
public:
    Fd() noexcept = default;
    explicit Fd(int fd) noexcept : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        if (this != &other) reset(std::exchange(other.fd_, -1));
        return *this;
    }
    ~Fd() { reset(); }

    int get() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ >= 0; }
    void reset(int fd = -1) noexcept {
        if (fd_ >= 0) ::close(fd_);
        fd_ = fd;
    }

private:
    int fd_ = -1;
};

/// Both ends close on exec. Throws std::system_error.
std::pair<Fd, Fd> make_pipe();  // read end, write end

/// The whole of a regular file, or nothing when there is none. Throws
/// std::system_error, also when it is larger than `max_bytes`.
std::optional<std::string> read_file(const std::filesystem::path& path, std::size_t max_bytes);

enum class Durable { no, yes };

/// Replaces `path` in one step: a reader sees the old or the new content. With
/// Durable::yes the new one also survives a loss of power. Throws std::system_error.
void write_file(const std::filesystem::path& path, std::string_view content, ::mode_t mode, Durable durable);

/// Writes all of it, over interrupts and short writes. False with errno set.
bool write_all(int fd, std::string_view content) noexcept;

}  // namespace acp::local
