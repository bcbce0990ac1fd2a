// ledger: SQLite sessions through Poco::Data, and their errors as ours.
#pragma once

#include <Poco/Data/Session.h>
#include <Poco/Exception.h>

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"

namespace acp::ledger {

enum class Access : std::uint8_t { read_only, read_write };

/// A session on an existing database file, settings applied. `max_pages` caps
/// the file's size for writers, 0 for none.
Result<Poco::Data::Session> open_session(const std::string& path, Access access, std::int64_t max_pages = 0);

/// What a failed statement means to the ledger: `conflict` for a row that was
/// refused, `unavailable` with cause and remedy for all that space, time or an
/// operator can mend.
Error to_error(const Poco::Exception& exception, const std::string& path);

/// Runs `body`, which returns a Result, with Poco's exceptions turned to errors.
template <typename Body>
auto guarded(const std::string& path, Body body) -> decltype(body()) {
    try {
        return body();
    } catch (const Poco::Exception& e) {
        return fail(to_error(e, path));
    }
}

/// A few read-only sessions, opened on first use. [any-thread]
class ReadPool {
public:
    ReadPool(std::string path, std::size_t size) : path_(std::move(path)), size_(size) {}

    /// Runs `body(session)` with a session of its own; waits while all are busy.
    template <typename Body>
    auto with(Body body) -> decltype(body(std::declval<Poco::Data::Session&>())) {
        auto session = take();
        if (!session) return fail(session.error());
        auto result = guarded(path_, [&] { return body(*session); });
        give_back(std::move(*session), result.has_value());
        return result;
    }

private:
    Result<Poco::Data::Session> take();
    /// A session that failed is closed, so that the next use starts afresh.
    void give_back(Poco::Data::Session session, bool healthy);

    const std::string path_;
    const std::size_t size_;
    std::mutex mutex_;
    std::condition_variable free_;
    std::vector<Poco::Data::Session> idle_;  ///< under mutex_
    std::size_t open_ = 0;                   ///< idle and busy ones; under mutex_
};

}  // namespace acp::ledger
