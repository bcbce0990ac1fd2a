// A server of one purpose for tests of the client: it accepts, reads a
// request, and runs the test's script on the connection.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/unique_fd.h"

namespace acp::test {

class TinyServer {
public:
    /// Runs on the server's thread, one connection after the other. `request`
    /// is the head and as much body as Content-Length says; of `PUT /early` no
    /// more is read than came with the head.
    using Script = std::function<void(int fd, const std::string& request)>;

    explicit TinyServer(Script script);
    TinyServer(const std::string& socket_path, Script script);
    ~TinyServer();
    TinyServer(const TinyServer&) = delete;
    TinyServer& operator=(const TinyServer&) = delete;

    /// "http://127.0.0.1:<port>" or "unix://<path>:"
    const std::string& base() const noexcept { return base_; }
    std::vector<std::string> requests() const;

    static void send(int fd, std::string_view bytes);
    /// The connection then ends with RST instead of FIN.
    static void reset_on_close(int fd);
    /// Blocks until the peer closes; what it sent.
    static std::string read_to_end(int fd);

private:
    void serve();
    UniqueFd listener_;
    UniqueFd wake_;
    std::string base_;
    Script script_;
    mutable std::mutex mutex_;
    std::vector<std::string> requests_;
    std::thread thread_;
};

/// A script that sends `answer` and closes.
TinyServer::Script answering(std::string answer);

/// A folder that removes itself, for sockets.
class ScratchFolder {
public:
    ScratchFolder();
    ~ScratchFolder();
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;
    const std::string& path() const noexcept { return path_; }

private:
    std::string path_;
};

}  // namespace acp::test
