#include "ledger/sqlite_session.h"

#include <Poco/Data/SQLite/Connector.h>
#include <Poco/Data/SQLite/SQLiteException.h>
#include <Poco/Data/Statement.h>

#include "base/bytes.h"

namespace acp::ledger {

namespace {

namespace sqlite = Poco::Data::SQLite;
using Poco::Data::Session;
using namespace Poco::Data::Keywords;

/// https://www.sqlite.org/uri.html: everything that could mean something in a
/// URI is escaped, so any path names a file.
std::string uri_of(const std::string& path, Access access) {
    std::string out = "file:";
    for (char c : path) {
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
                     c == '-' || c == '_' || c == '.';
        if (plain)
            out.push_back(c);
        else
            out += "%" + hex(std::string_view(&c, 1));
    }
    return out + (access == Access::read_only ? "?mode=ro" : "?mode=rw");
}

void register_connector() {
    static const bool once = [] {
        sqlite::Connector::registerConnector();
        return true;
    }();
    (void)once;
}

}  // namespace

Result<Session> open_session(const std::string& path, Access access, std::int64_t max_pages) {
    register_connector();
    return guarded(path, [&]() -> Result<Session> {
        // Poco tries again until the login timeout (seconds) is over; a file
        // that cannot be opened now fails the same way a minute later.
        Session session("SQLite", uri_of(path, access), 1);
        session << "PRAGMA busy_timeout = 5000", now;
        session << "PRAGMA foreign_keys = ON", now;
        if (access == Access::read_only) {
            session << "PRAGMA query_only = ON", now;
            return session;
        }
        std::string mode;
        session << "PRAGMA journal_mode = WAL", into(mode), now;
        if (mode != "wal")
            return fail(Code::unavailable, "ledger_unavailable",
                        "the database " + path + " cannot use a write-ahead log (its mode is " + mode +
                            "): keep it on a local file system");
        // FULL: a commit returns only after the log is synced.
        session << "PRAGMA synchronous = FULL", now;
        // Bytes that the log keeps after a checkpoint; a long reader lets it grow past that.
        session << "PRAGMA journal_size_limit = 67108864", now;
        if (max_pages > 0) {
            std::int64_t pages = 0;
            session << "PRAGMA max_page_count = " + std::to_string(max_pages), into(pages), now;
        }
        return session;
    });
}

Error to_error(const Poco::Exception& exception, const std::string& path) {
    Error error;
    error.internal = exception.displayText();
    auto unavailable = [&](std::string cause) {
        error.code = Code::unavailable;
        error.slug = "audit_unavailable";
        error.message = "the ledger is unavailable: " + std::move(cause);
        error.retryable = true;
        error.retry_after_ms = 1000;
        return error;
    };
    if (dynamic_cast<const sqlite::ConstraintViolationException*>(&exception) != nullptr) {
        error.code = Code::conflict;
        error.slug = "ledger_row_refused";
        error.message = "the ledger already has a row with this identifier";
        return error;
    }
    if (dynamic_cast<const sqlite::DatabaseFullException*>(&exception) != nullptr)
        return unavailable("no space is left for " + path + "; free space on its file system");
    if (dynamic_cast<const sqlite::IOErrorException*>(&exception) != nullptr)
        return unavailable("reading or writing " + path + " failed; check the disk and its free space");
    if (dynamic_cast<const sqlite::ReadOnlyException*>(&exception) != nullptr)
        return unavailable(path + " or its directory is read-only; make both writable");
    if (dynamic_cast<const sqlite::CantOpenDBFileException*>(&exception) != nullptr ||
        dynamic_cast<const Poco::Data::ConnectionFailedException*>(&exception) != nullptr)
        return unavailable(path + " cannot be opened; it and its directory must exist and be writable");
    if (dynamic_cast<const sqlite::DBLockedException*>(&exception) != nullptr)
        return unavailable(path + " is locked by another program; close what has it open");
    if (dynamic_cast<const sqlite::CorruptImageException*>(&exception) != nullptr)
        return unavailable(path + " is damaged; keep it as evidence and restore a backup");
    return unavailable("the database " + path + " reported an error: " + exception.message());
}

Result<Session> ReadPool::take() {
    {
        std::unique_lock lock(mutex_);
        free_.wait(lock, [this] { return !idle_.empty() || open_ < size_; });
        if (!idle_.empty()) {
            Session session = std::move(idle_.back());
            idle_.pop_back();
            return session;
        }
        ++open_;
    }
    auto session = open_session(path_, Access::read_only);
    if (!session) {
        std::lock_guard lock(mutex_);
        --open_;
        free_.notify_one();
    }
    return session;
}

void ReadPool::give_back(Session session, bool healthy) {
    std::lock_guard lock(mutex_);
    if (healthy)
        idle_.push_back(std::move(session));
    else
        --open_;
    free_.notify_one();
}

}  // namespace acp::ledger
