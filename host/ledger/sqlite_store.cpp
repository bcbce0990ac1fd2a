#include "ledger/sqlite_store.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "base/clock.h"
#include "base/unique_fd.h"
#include "ledger/schema.h"
#include "ledger/sqlite_rows.h"

namespace acp::ledger {

namespace {

using Poco::Data::Session;
using Poco::Data::Statement;
using namespace Poco::Data::Keywords;

Error cannot_open(const std::string& path, int error, const char* remedy) {
    Error e;
    e.code = Code::unavailable;
    e.slug = "ledger_unavailable";
    e.message = "cannot open the ledger " + path + ": " + std::strerror(error) + "; " + remedy;
    return e;
}

/// Creates the file ourselves: its mode is ours, the error has its cause, and
/// its name survives a power cut.
Result<void> create_file(const std::string& path) {
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!fd) return fail(cannot_open(path, errno, "its directory must exist and be writable"));
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode))
        return fail(cannot_open(path, EINVAL, "it must be a regular file"));
    std::size_t slash = path.rfind('/');
    std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    UniqueFd parent(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!parent || ::fsync(parent.get()) != 0) return fail(cannot_open(path, errno, "its directory cannot be synced"));
    return {};
}

/// " AND name = ?" for each filter that is set.
class Conditions {
public:
    Conditions& equal(const char* column, const std::string& value) {
        if (!value.empty()) add(std::string(column) + " = ?", value);
        return *this;
    }
    Conditions& between(const char* column, const std::optional<std::int64_t>& since_ms,
                        const std::optional<std::int64_t>& until_ms) {
        if (since_ms) add(std::string(column) + " >= ?", rfc3339_ms(*since_ms));
        if (until_ms) add(std::string(column) + " < ?", rfc3339_ms(*until_ms));
        return *this;
    }
    const std::string& sql() const { return sql_; }
    std::vector<std::string> take_values() { return std::move(values_); }

private:
    void add(const std::string& condition, std::string value) {
        sql_ += " AND " + condition;
        values_.push_back(std::move(value));
    }

    std::string sql_;
    std::vector<std::string> values_;
};

std::string newest_first(std::int64_t before_id, const std::string& conditions, std::size_t count) {
    return " WHERE id < " + std::to_string(before_id) + conditions + " ORDER BY id DESC LIMIT " + std::to_string(count);
}

/// One read transaction on a session of its own: it sees no later commit, and
/// its length does not keep a reader of the pool.
class SqliteSnapshot : public Snapshot {
public:
    SqliteSnapshot(std::string path, Session session) : path_(std::move(path)), session_(std::move(session)) {}

    Result<std::optional<Head>> head() override {
        return guarded(path_, [&]() -> Result<std::optional<Head>> { return query_head(session_); });
    }

    Result<std::int64_t> high_water() override {
        return guarded(path_, [&]() -> Result<std::int64_t> {
            return query_number(session_, "SELECT seq FROM sqlite_sequence WHERE name = 'ledger_chain'").value_or(0);
        });
    }

    Result<void> each_link(const VisitLink& visit) override {
        return guarded(path_, [&]() -> Result<void> {
            LinkColumns link;
            RunColumns run;
            EventColumns event;
            auto visit_row = [&] {
                std::optional<RunRow> run_row;
                std::optional<EventRow> event_row;
                if (run.present()) run_row = run.row();
                if (event.present()) event_row = event.row();
                visit(link.row(), run_row ? &*run_row : nullptr, event_row ? &*event_row : nullptr);
            };
            each_row(session_,
                     "SELECT " + LinkColumns::list("c.") + ", " + RunColumns::list("r.") + ", " +
                         EventColumns::list("e.") +
                         " FROM ledger_chain c"
                         " LEFT JOIN workload_runs r ON c.subject LIKE 'run.%' AND r.run_uid = c.ref"
                         " LEFT JOIN security_audit_events e ON c.subject = 'event' AND e.event_uid = c.ref"
                         " ORDER BY c.seq",
                     {}, visit_row, link, run, event);
            return {};
        });
    }

    Result<void> each_unlinked_run(const std::function<void(const RunRow&)>& visit) override {
        return guarded(path_, [&]() -> Result<void> {
            RunColumns run;
            each_row(
                session_,
                "SELECT " + RunColumns::list("r.") +
                    " FROM workload_runs r LEFT JOIN ledger_chain c ON c.seq = r.id AND c.ref = r.run_uid"
                    " AND c.subject = 'run.intent' WHERE c.seq IS NULL ORDER BY r.id",
                {}, [&] { visit(run.row()); }, run);
            return {};
        });
    }

    Result<void> each_unlinked_event(const std::function<void(const EventRow&)>& visit) override {
        return guarded(path_, [&]() -> Result<void> {
            EventColumns event;
            each_row(
                session_,
                "SELECT " + EventColumns::list("e.") +
                    " FROM security_audit_events e LEFT JOIN ledger_chain c ON c.seq = e.id"
                    " AND c.ref = e.event_uid AND c.subject = 'event' WHERE c.seq IS NULL ORDER BY e.id",
                {}, [&] { visit(event.row()); }, event);
            return {};
        });
    }

private:
    const std::string path_;
    Session session_;
};

Result<void> apply_migration(Session& session, const Migration& migration) {
    for (std::string_view sql : migration.statements) session << std::string(sql), now;
    int version = migration.version;
    std::string name(migration.name);
    std::string at = rfc3339_ms(unix_ms());
    session << "INSERT INTO schema_migrations (version, name, applied_at) VALUES (?, ?, ?)", use(version), use(name),
        use(at), now;
    return {};
}

}  // namespace

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(const std::string& path, std::int64_t max_pages) {
    if (auto created = create_file(path); !created) return fail(created.error());
    return std::unique_ptr<SqliteStore>(new SqliteStore(path, max_pages));
}

Result<std::unique_ptr<SqliteStore>> SqliteStore::open_read_only(const std::string& path) {
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) {
        int cause = errno;
        Error e = cannot_open(path, cause, "give the path of an existing ledger that can be read");
        if (cause == ENOENT) e.code = Code::not_found;
        return fail(std::move(e));
    }
    return std::unique_ptr<SqliteStore>(new SqliteStore(path, 0));
}

Result<void> SqliteStore::migrate() {
    if (auto begun = writer_.begin(); !begun) return begun;
    SqliteTransaction transaction(writer_);
    auto migrated = guarded(path_, [&]() -> Result<void> {
        Session& session = **writer_.session();
        session << "CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, "
                   "applied_at TEXT NOT NULL) STRICT",
            now;
        std::int64_t at = query_number(session, "SELECT max(version) FROM schema_migrations").value_or(0);
        std::int64_t latest = sqlite_migrations().back().version;
        if (at > latest)
            return fail(Code::conflict, "ledger_too_new",
                        "the ledger " + path_ + " has schema " + std::to_string(at) + ", this version knows " +
                            std::to_string(latest) + ": run the version that wrote it, or a later one");
        for (const Migration& migration : sqlite_migrations()) {
            if (migration.version <= at) continue;
            if (auto applied = apply_migration(session, migration); !applied) return applied;
        }
        return {};
    });
    if (!migrated) return migrated;
    return transaction.commit();
}

Result<std::unique_ptr<WriteTransaction>> SqliteStore::begin_write() {
    if (auto begun = writer_.begin(); !begun) return fail(begun.error());
    return std::make_unique<SqliteTransaction>(writer_);
}

Result<std::vector<RunRow>> SqliteStore::select_runs(const std::string& sql, std::vector<std::string> parameters) {
    return readers_.with([&](Session& session) -> Result<std::vector<RunRow>> {
        std::vector<RunRow> rows;
        RunColumns columns;
        each_row(
            session, "SELECT " + RunColumns::list() + " FROM workload_runs" + sql, std::move(parameters),
            [&] { rows.push_back(columns.row()); }, columns);
        return rows;
    });
}

Result<std::optional<RunRow>> SqliteStore::run(const std::string& run_uid) {
    auto rows = select_runs(" WHERE run_uid = ?", {run_uid});
    if (!rows) return fail(rows.error());
    if (rows->empty()) return std::optional<RunRow>();
    return std::optional<RunRow>(std::move(rows->front()));
}

Result<std::vector<RunRow>> SqliteStore::runs(const RunFilter& filter, std::int64_t before_id, std::size_t count) {
    Conditions conditions;
    conditions.equal("status", filter.status)
        .equal("action", filter.action)
        .equal("provider_alias", filter.provider)
        .equal("target", filter.target)
        .equal("user_id", filter.user_id)
        .between("started_at", filter.since_ms, filter.until_ms);
    return select_runs(newest_first(before_id, conditions.sql(), count), conditions.take_values());
}

Result<std::vector<RunRow>> SqliteStore::open_runs() {
    return select_runs(" WHERE finished_at IS NULL ORDER BY id", {});
}

Result<std::vector<EventRow>> SqliteStore::events(const EventFilter& filter, std::int64_t before_id,
                                                  std::size_t count) {
    Conditions conditions;
    conditions.equal("kind", filter.kind)
        .equal("actor", filter.actor)
        .equal("outcome", filter.outcome)
        .between("occurred_at", filter.since_ms, filter.until_ms);
    return readers_.with([&](Session& session) -> Result<std::vector<EventRow>> {
        std::vector<EventRow> rows;
        EventColumns columns;
        each_row(
            session,
            "SELECT " + EventColumns::list() + " FROM security_audit_events" +
                newest_first(before_id, conditions.sql(), count),
            conditions.take_values(), [&] { rows.push_back(columns.row()); }, columns);
        return rows;
    });
}

Result<std::unique_ptr<Snapshot>> SqliteStore::snapshot() {
    auto session = open_session(path_, Access::read_only);
    if (!session) return fail(session.error());
    return guarded(path_, [&]() -> Result<std::unique_ptr<Snapshot>> {
        *session << "BEGIN", now;
        // The view is taken by the first read.
        query_number(*session, "SELECT count(*) FROM sqlite_schema");
        return std::make_unique<SqliteSnapshot>(path_, std::move(*session));
    });
}

}  // namespace acp::ledger
