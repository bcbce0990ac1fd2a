#include "state/sqlite.h"

#include <Poco/Data/SQLite/Connector.h>
#include <Poco/Data/SQLite/SQLiteException.h>
#include <Poco/Data/SQLite/Utility.h>
#include <Poco/Data/Session.h>
#include <Poco/Data/Statement.h>
#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <system_error>

#include "base/unique_fd.h"
#include "state/sqlite_statement.h"

namespace acp::state {

namespace {

namespace sqlite = Poco::Data::SQLite;
using namespace Poco::Data::Keywords;

/// Released tables are never edited: a new form of one gets a new name.
constexpr const char* kTables[] = {
    "CREATE TABLE IF NOT EXISTS entries (name TEXT PRIMARY KEY, version INTEGER NOT NULL, expires_ms INTEGER NOT NULL, sealed BLOB NOT NULL) STRICT",
    "CREATE INDEX IF NOT EXISTS entries_expiry ON entries (expires_ms)",
    "CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, count INTEGER NOT NULL, expires_ms INTEGER NOT NULL) STRICT",
    "CREATE INDEX IF NOT EXISTS counters_expiry ON counters (expires_ms)",
    "CREATE TABLE IF NOT EXISTS members (owner TEXT NOT NULL, name TEXT NOT NULL, expires_ms INTEGER NOT NULL, sealed BLOB NOT NULL,"
    " PRIMARY KEY (owner, name)) STRICT",
    "CREATE INDEX IF NOT EXISTS members_expiry ON members (expires_ms)",
    "CREATE TABLE IF NOT EXISTS locks (name TEXT PRIMARY KEY, fence INTEGER NOT NULL, expires_ms INTEGER NOT NULL) STRICT",
    "CREATE INDEX IF NOT EXISTS locks_expiry ON locks (expires_ms)",
};

// Every call is one statement, and so one transaction.
constexpr std::string_view kGet = "SELECT sealed, version, expires_ms FROM entries WHERE name = ?1 AND expires_ms > ?2";
constexpr std::string_view kPut =
    "INSERT INTO entries (name, version, expires_ms, sealed) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (name) DO UPDATE"
    " SET version = max(version + 1, excluded.version), expires_ms = excluded.expires_ms, sealed = excluded.sealed RETURNING version";
constexpr std::string_view kPutAbsent =
    "INSERT INTO entries (name, version, expires_ms, sealed) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (name) DO UPDATE"
    " SET version = max(version + 1, excluded.version), expires_ms = excluded.expires_ms, sealed = excluded.sealed"
    " WHERE entries.expires_ms <= ?5 RETURNING version";
constexpr std::string_view kPutVersion =
    "UPDATE entries SET version = max(version + 1, ?2), expires_ms = ?3, sealed = ?4"
    " WHERE name = ?1 AND expires_ms > ?5 AND version = ?6 RETURNING version";
constexpr std::string_view kTake = "DELETE FROM entries WHERE name = ?1 RETURNING sealed, version, expires_ms";
constexpr std::string_view kCount =
    "INSERT INTO counters (name, count, expires_ms) VALUES (?1, 1, ?2) ON CONFLICT (name) DO UPDATE"
    " SET count = CASE WHEN expires_ms > ?3 THEN count + 1 ELSE 1 END,"
    " expires_ms = CASE WHEN expires_ms > ?3 THEN expires_ms ELSE excluded.expires_ms END RETURNING count";
constexpr std::string_view kRemember =
    "INSERT INTO members (owner, name, expires_ms, sealed) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (owner, name) DO UPDATE"
    " SET expires_ms = excluded.expires_ms, sealed = excluded.sealed";
constexpr std::string_view kMembers = "SELECT name, sealed FROM members WHERE owner = ?1 AND expires_ms > ?2";
constexpr std::string_view kForget = "DELETE FROM members WHERE owner = ?1 AND name = ?2";
constexpr std::string_view kLock =
    "INSERT INTO locks (name, fence, expires_ms) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE"
    " SET fence = max(fence + 1, excluded.fence), expires_ms = excluded.expires_ms WHERE locks.expires_ms <= ?4 RETURNING fence";
constexpr std::string_view kUnlock = "UPDATE locks SET expires_ms = min(expires_ms, ?3) WHERE name = ?1 AND fence = ?2";
/// ?1 is the time, ?2 how many rows at a time: others wait meanwhile.
constexpr std::string_view kSweep[] = {
    "DELETE FROM entries WHERE rowid IN (SELECT rowid FROM entries WHERE expires_ms <= ?1 LIMIT ?2)",
    "DELETE FROM counters WHERE rowid IN (SELECT rowid FROM counters WHERE expires_ms <= ?1 LIMIT ?2)",
    "DELETE FROM members WHERE rowid IN (SELECT rowid FROM members WHERE expires_ms <= ?1 LIMIT ?2)",
    "DELETE FROM locks WHERE rowid IN (SELECT rowid FROM locks WHERE expires_ms <= ?1 LIMIT ?2)",
};

constexpr std::int64_t kSweepEveryMs = 5000, kSweptRows = 500;
/// A lock's row outlives its holder so that the next fence is larger even if the
/// clock was set back meanwhile.
constexpr std::int64_t kFenceKeptMs = 7LL * 86'400 * 1000;

Poco::Data::Session open_session(const std::string& file) {
    static const bool registered = (sqlite::Connector::registerConnector(), true);
    (void)registered;
    // Made here so that its mode is ours. The path is absolute, so no URI to SQLite.
    UniqueFd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!fd) throw Poco::FileException(file + " cannot be opened: " + std::generic_category().message(errno));
    Poco::Data::Session session("SQLite", file, 1);
    session << "PRAGMA busy_timeout = 1800", now;
    std::string mode;
    session << "PRAGMA journal_mode = WAL", into(mode), now;
    if (mode != "wal") throw Poco::FileException(file + " cannot use a write-ahead log; keep it on a local file system");
    session << "PRAGMA synchronous = NORMAL", now;
    session << "PRAGMA journal_size_limit = 16777216", now;
    for (const char* table : kTables) session << table, now;
    return session;
}

/// The session with what was prepared in it, which goes first.
struct Database {
    explicit Database(const std::string& file) : session(open_session(file)) {}
    Poco::Data::Session session;
    sqlite3* handle = sqlite::Utility::dbHandle(session);
    SqliteStatement get{handle, kGet}, put{handle, kPut}, put_absent{handle, kPutAbsent}, put_version{handle, kPutVersion}, take{handle, kTake},
        count{handle, kCount}, remember{handle, kRemember}, members{handle, kMembers}, forget{handle, kForget}, lock{handle, kLock},
        unlock{handle, kUnlock};
    SqliteStatement sweep[4] = {{handle, kSweep[0]}, {handle, kSweep[1]}, {handle, kSweep[2]}, {handle, kSweep[3]}};
    std::int64_t next_sweep_ms = 0;
};

std::uint64_t to_unsigned(std::int64_t value) {
    return static_cast<std::uint64_t>(value);
}
std::int64_t to_signed(std::uint64_t value) {
    return static_cast<std::int64_t>(value);
}

class Sqlite : public Backend {
public:
    Sqlite(std::filesystem::path file, Clock clock) : file_(file.string()), clock_(std::move(clock)) {}

    Result<std::optional<Entry>> get(const std::string& name) override {
        return on([&](Database& db, std::int64_t now_ms) { return entry(db.get.run().text(name).number(now_ms), now_ms); });
    }

    Result<std::uint64_t> put(const Row& row) override {
        return on([&](Database& db, std::int64_t now_ms) -> Result<std::uint64_t> {
            SqliteStatement& statement = row.condition == If::any ? db.put : row.condition == If::absent ? db.put_absent : db.put_version;
            auto run = statement.run();
            run.text(row.name).number(to_signed(fresh_number())).number(now_ms + row.ttl_ms).blob(row.sealed);
            if (row.condition != If::any) run.number(now_ms);
            if (row.condition == If::version) run.number(to_signed(row.if_version));
            if (!run.step()) return conflict();
            return to_unsigned(run.number_at(0));
        });
    }

    Result<std::optional<Entry>> take(const std::string& name) override {
        return on([&](Database& db, std::int64_t now_ms) { return entry(db.take.run().text(name), now_ms); });
    }

    Result<bool> remove(const std::string& name) override {
        auto taken = take(name);
        if (!taken) return fail(taken.error());
        return taken->has_value();
    }

    Result<std::uint64_t> count(const std::string& name, std::int64_t ttl_ms) override {
        return on([&](Database& db, std::int64_t now_ms) -> Result<std::uint64_t> {
            auto run = db.count.run();
            run.text(name).number(now_ms + ttl_ms).number(now_ms).step();
            return to_unsigned(run.number_at(0));
        });
    }

    Result<void> remember(const std::string& owner, const Member& member, std::int64_t ttl_ms) override {
        return on([&](Database& db, std::int64_t now_ms) -> Result<void> {
            db.remember.run().text(owner).text(member.name).number(now_ms + ttl_ms).blob(member.sealed).finish();
            return {};
        });
    }

    Result<std::vector<Member>> members(const std::string& owner) override {
        return on([&](Database& db, std::int64_t now_ms) -> Result<std::vector<Member>> {
            std::vector<Member> out;
            auto run = db.members.run();
            run.text(owner).number(now_ms);
            while (run.step()) out.push_back({run.bytes_at(0), run.bytes_at(1)});
            return out;
        });
    }

    Result<void> forget(const std::string& owner, const std::string& member) override {
        return on([&](Database& db, std::int64_t) -> Result<void> {
            db.forget.run().text(owner).text(member).finish();
            return {};
        });
    }

    Result<std::uint64_t> lock(const std::string& name, std::int64_t ttl_ms) override {
        return on([&](Database& db, std::int64_t now_ms) -> Result<std::uint64_t> {
            auto run = db.lock.run();
            run.text(name).number(to_signed(fresh_number())).number(now_ms + ttl_ms).number(now_ms);
            if (!run.step()) return held();
            return to_unsigned(run.number_at(0));
        });
    }

    Result<void> unlock(const std::string& name, std::uint64_t fence) override {
        return on([&](Database& db, std::int64_t now_ms) -> Result<void> {
            db.unlock.run().text(name).number(to_signed(fence)).number(now_ms).finish();
            return {};
        });
    }

    Result<void> ping() override {
        return on([&](Database& db, std::int64_t now_ms) -> Result<void> {
            db.get.run().text("").number(now_ms).finish();
            return {};
        });
    }

private:
    static Result<std::optional<Entry>> entry(SqliteStatement::Run& run, std::int64_t now_ms) {
        if (!run.step() || run.number_at(2) <= now_ms) return std::nullopt;
        return Entry{run.bytes_at(0), to_unsigned(run.number_at(1)), run.number_at(2)};
    }

    void sweep(Database& db, std::int64_t now_ms) {
        if (now_ms < db.next_sweep_ms) return;
        db.next_sweep_ms = now_ms + kSweepEveryMs;
        for (SqliteStatement& statement : db.sweep)
            statement.run().number(&statement == &db.sweep[3] ? now_ms - kFenceKeptMs : now_ms).number(kSweptRows).finish();
    }

    /// Runs `body` on the database, which is opened when it is not. After a
    /// failure it is opened anew: a file that was replaced or repaired works again.
    template <typename Body>
    auto on(Body body) -> decltype(body(std::declval<Database&>(), std::int64_t{})) {
        std::lock_guard lock(mutex_);
        try {
            if (!database_) database_ = std::make_unique<Database>(file_);
            const std::int64_t now_ms = clock_();
            sweep(*database_, now_ms);
            return body(*database_, now_ms);
        } catch (const sqlite::DatabaseFullException& e) {
            return full("sqlite", file_ + ": " + e.displayText());
        } catch (const sqlite::DBLockedException& e) {
            return unavailable("sqlite", file_ + ": " + e.displayText());
        } catch (const Poco::Exception& e) {
            database_.reset();
            return unavailable("sqlite", file_ + ": " + e.displayText());
        }
    }

    const std::string file_;
    const Clock clock_;
    std::mutex mutex_;
    std::unique_ptr<Database> database_;
};

}  // namespace

std::unique_ptr<Backend> sqlite_backend(std::filesystem::path file, Clock clock) {
    return std::make_unique<Sqlite>(std::move(file), std::move(clock));
}

}  // namespace acp::state
