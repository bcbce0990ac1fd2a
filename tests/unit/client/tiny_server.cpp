#include "tiny_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>

namespace acp::test {

namespace {

void require(bool ok, const char* what) {
    if (!ok) throw std::runtime_error(what);
}

std::string read_request(int fd) {
    std::string text;
    std::array<char, 4096> buffer{};
    std::size_t wanted = std::string::npos;
    while (text.size() < wanted) {
        const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (n <= 0) break;
        text.append(buffer.data(), static_cast<std::size_t>(n));
        const std::size_t end = text.find("\r\n\r\n");
        if (wanted != std::string::npos || end == std::string::npos) continue;
        if (text.starts_with("PUT /early ")) break;
        wanted = end + 4;
        const std::size_t field = text.find("Content-Length: ");
        if (field < end) wanted += std::stoul(text.substr(field + 16));
    }
    return text;
}

}  // namespace

TinyServer::TinyServer(Script script) : wake_(::eventfd(0, EFD_CLOEXEC)), script_(std::move(script)) {
    listener_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    require(::bind(listener_.get(), raw, size) == 0 && ::listen(listener_.get(), 8) == 0, "listen");
    require(::getsockname(listener_.get(), raw, &size) == 0, "getsockname");
    base_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    thread_ = std::thread([this] { serve(); });
}

TinyServer::TinyServer(const std::string& path, Script script)
    : wake_(::eventfd(0, EFD_CLOEXEC)), script_(std::move(script)) {
    listener_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    require(path.size() < sizeof address.sun_path, "socket path too long");
    std::memcpy(static_cast<void*>(address.sun_path), path.data(), path.size());
    require(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
                ::listen(listener_.get(), 8) == 0,
            "listen");
    base_ = "unix://" + path + ":";
    thread_ = std::thread([this] { serve(); });
}

TinyServer::~TinyServer() {
    const std::uint64_t one = 1;
    if (::write(wake_.get(), &one, sizeof one) != sizeof one) std::abort();
    thread_.join();
}

void TinyServer::serve() {
    for (;;) {
        std::array<pollfd, 2> fds{pollfd{listener_.get(), POLLIN, 0}, pollfd{wake_.get(), POLLIN, 0}};
        if (::poll(fds.data(), fds.size(), -1) < 0) continue;
        if (fds[1].revents != 0) return;
        const UniqueFd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!connection) continue;
        const std::string request = read_request(connection.get());
        {
            const std::lock_guard lock(mutex_);
            requests_.push_back(request);
        }
        script_(connection.get(), request);
    }
}

std::vector<std::string> TinyServer::requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
}

void TinyServer::send(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n <= 0) return;
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
}

void TinyServer::reset_on_close(int fd) {
    const linger now{1, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

std::string TinyServer::read_to_end(int fd) {
    std::string text;
    std::array<char, 4096> buffer{};
    for (;;) {
        const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (n <= 0) return text;
        text.append(buffer.data(), static_cast<std::size_t>(n));
    }
}

TinyServer::Script answering(std::string answer) {
    return [answer = std::move(answer)](int fd, const std::string&) { TinyServer::send(fd, answer); };
}

ScratchFolder::ScratchFolder() {
    std::string pattern = "/tmp/acp-client-XXXXXX";
    require(::mkdtemp(pattern.data()) != nullptr, "mkdtemp");
    path_ = pattern;
}

ScratchFolder::~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

}  // namespace acp::test
