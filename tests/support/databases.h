// support: real databases for tests, each in a folder of its own, on a Unix
// socket, and gone with the object or the test's process. A missing program is a
// failure of the test, never a pass.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace acp::test {

/// A server process that can be stopped, paused and started again.
class Daemon {
public:
    Daemon();
    virtual ~Daemon();
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    void start();  ///< returns when it answers
    void stop();   ///< returns when it is gone
    void pause();
    void resume();
    const std::filesystem::path& folder() const { return folder_; }

protected:
    virtual std::vector<std::string> command() const = 0;
    /// What pause() stops: all processes that a caller may talk to.
    virtual std::vector<pid_t> processes() const { return {pid_}; }
    virtual bool is_up() const = 0;

    std::filesystem::path folder_;
    pid_t pid_ = 0;
};

class RedisServer : public Daemon {
public:
    /// `more`: options of redis-server.
    explicit RedisServer(std::vector<std::string> more = {}) : more_(std::move(more)) {}
    ~RedisServer() override { stop(); }
    std::string url() const { return "unix://" + socket(); }
    std::string socket() const { return (folder_ / "redis.sock").string(); }

protected:
    std::vector<std::string> command() const override;
    bool is_up() const override;

private:
    const std::vector<std::string> more_;
};

/// Refuses to run as root: then it runs as the user postgres.
class PostgresqlServer : public Daemon {
public:
    /// `more`: options of postgres, e.g. {"-c", "port=1234"}.
    explicit PostgresqlServer(std::vector<std::string> more = {});
    ~PostgresqlServer() override { stop(); }
    std::string url() const { return "postgresql://postgres@/postgres?host=" + folder_.string(); }

protected:
    std::vector<std::string> command() const override;
    std::vector<pid_t> processes() const override;
    bool is_up() const override;

private:
    const std::vector<std::string> more_;
};

/// A free port of 127.0.0.1 below those that the system gives away itself.
int free_port();

}  // namespace acp::test
