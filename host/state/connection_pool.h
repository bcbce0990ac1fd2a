// state: a few connections to one database, opened when they are needed.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "log/log.h"
#include "state/backend.h"

namespace acp::state {

/// `Connection` has `usable()`, false once it failed, and `quiet()`, false when
/// its peer has closed it or said something unasked. [any-thread]
template <typename Connection>
class ConnectionPool {
public:
    using Opened = Result<std::unique_ptr<Connection>>;
    using Open = std::function<Opened(std::int64_t deadline_ns)>;

    ConnectionPool(std::string kind, Open open) : kind_(std::move(kind)), open_connection_(std::move(open)) {}

    /// `body(connection, deadline_ns)` with a connection of its own. The errors of
    /// `body` and of opening are passed on.
    template <typename Body>
    auto with(std::int64_t limit_ms, Body body) -> decltype(body(std::declval<Connection&>(), std::int64_t{})) {
        const std::int64_t deadline_ns = deadline_after(limit_ms);
        Opened connection = take(deadline_ns);
        if (!connection) {
            note(&connection.error(), deadline_ns);
            return fail(connection.error());
        }
        Lease lease{*this, std::move(*connection)};
        auto result = body(*lease.connection, deadline_ns);
        lease.is_whole = lease.connection->usable();
        note(result || result.error().code != Code::unavailable ? nullptr : &result.error(), deadline_ns);
        return result;
    }

private:
    static constexpr std::size_t kMost = 8;
    /// A database that let a call run into its deadline gets none for so long:
    /// else every thread of ours would wait for it in turn.
    static constexpr std::int64_t kPauseNs = 500'000'000;

    /// Gives the connection back; one in which an exception cut a call short is closed.
    struct Lease {
        ConnectionPool& pool;
        std::unique_ptr<Connection> connection;
        bool is_whole = false;
        ~Lease() { pool.give_back(is_whole ? std::move(connection) : nullptr); }
    };

    Opened take(std::int64_t deadline_ns) {
        std::unique_lock lock(mutex_);
        for (;;) {
            if (monotonic_ns() < paused_until_ns_) return unavailable(kind_, "it did not answer a moment ago");
            if (!idle_.empty()) {
                auto connection = std::move(idle_.back());
                idle_.pop_back();
                if (connection->quiet()) return connection;
                --count_;
                continue;
            }
            if (count_ < kMost) break;
            const auto left = std::chrono::nanoseconds(deadline_ns - monotonic_ns());
            if (left.count() <= 0 || free_.wait_for(lock, left) == std::cv_status::timeout)
                return unavailable(kind_, "all connections to it are busy");
        }
        ++count_;
        lock.unlock();
        Opened opened = open_connection_(deadline_ns);
        if (!opened) {
            lock.lock();
            --count_;
            free_.notify_one();
        }
        return opened;
    }

    void give_back(std::unique_ptr<Connection> connection) {
        std::lock_guard lock(mutex_);
        if (connection)
            idle_.push_back(std::move(connection));
        else
            --count_;
        free_.notify_one();
    }

    /// Tells the log when the database goes and when it is back, once each.
    void note(const Error* error, std::int64_t deadline_ns) {
        bool changed = false;
        {
            std::lock_guard lock(mutex_);
            const std::int64_t now = monotonic_ns();
            if (error && now >= deadline_ns) paused_until_ns_ = now + kPauseNs;
            changed = std::exchange(is_down_, error != nullptr) != (error != nullptr);
        }
        if (!changed) return;
        if (error)
            log::error("state", "the database of the state store cannot be reached", {{"kind", kind_}, {"cause", error->internal}});
        else
            log::info("state", "the database of the state store is reached again", {{"kind", kind_}});
    }

    const std::string kind_;
    const Open open_connection_;
    std::mutex mutex_;
    std::condition_variable free_;
    std::vector<std::unique_ptr<Connection>> idle_;  ///< under mutex_, as all below
    std::size_t count_ = 0;                          ///< idle and busy ones
    std::int64_t paused_until_ns_ = 0;
    bool is_down_ = false;
};

}  // namespace acp::state
