#include "state/postgresql.h"

#include <atomic>

#include "base/bytes.h"
#include "state/connection_pool.h"
#include "state/postgresql_connection.h"
#include "state/postgresql_statements.h"

namespace acp::state {

namespace {

namespace sql = postgresql;
using Connection = PostgresqlConnection;

constexpr std::int64_t kSweepEveryNs = 10'000'000'000;

std::uint64_t to_unsigned(std::int64_t value) {
    return static_cast<std::uint64_t>(value);
}
std::int64_t to_signed(std::uint64_t value) {
    return static_cast<std::int64_t>(value);
}

Entry entry_of(const PostgresqlRows& rows) {
    return {rows.bytes(0, 0), to_unsigned(rows.number(0, 1)), rows.number(0, 2)};
}

Result<std::uint64_t> number_of(const Result<PostgresqlRows>& rows, tl::unexpected<Error> (*otherwise)()) {
    if (!rows) return fail(rows.error());
    if (rows->count() == 0) return otherwise();
    return to_unsigned(rows->number(0, 0));
}

Result<void> done(const Result<PostgresqlRows>& rows) {
    if (!rows) return fail(rows.error());
    return {};
}

class Postgresql : public Backend {
public:
    explicit Postgresql(std::string url)
        : url_(std::move(url)), pool_("postgresql", [this](std::int64_t deadline_ns) { return Connection::open(url_, deadline_ns); }) {}
    ~Postgresql() override { wipe(url_); }

    Result<std::optional<Entry>> get(const std::string& name) override {
        auto rows = ask(sql::kGet, {Parameter::text(name)});
        if (!rows) return fail(rows.error());
        if (rows->count() == 0) return std::nullopt;
        return entry_of(*rows);
    }

    Result<std::uint64_t> put(const Row& row) override {
        std::vector<Parameter> parameters{Parameter::text(row.name), Parameter::number(row.ttl_ms), Parameter::bytes(row.sealed)};
        if (row.condition == If::version) parameters.push_back(Parameter::number(to_signed(row.if_version)));
        return number_of(ask(row.condition == If::any      ? sql::kPut
                             : row.condition == If::absent ? sql::kPutAbsent
                                                           : sql::kPutVersion,
                             parameters),
                         conflict);
    }

    Result<std::optional<Entry>> take(const std::string& name) override {
        auto rows = ask(sql::kTake, {Parameter::text(name)});
        if (!rows) return fail(rows.error());
        if (rows->count() == 0 || rows->number(0, 3) == 0) return std::nullopt;
        return entry_of(*rows);
    }

    Result<bool> remove(const std::string& name) override {
        auto taken = take(name);
        if (!taken) return fail(taken.error());
        return taken->has_value();
    }

    Result<std::uint64_t> count(const std::string& name, std::int64_t ttl_ms) override {
        return number_of(ask(sql::kCount, {Parameter::text(name), Parameter::number(ttl_ms)}), conflict);
    }

    Result<void> remember(const std::string& owner, const Member& member, std::int64_t ttl_ms) override {
        return done(
            ask(sql::kRemember, {Parameter::text(owner), Parameter::text(member.name), Parameter::number(ttl_ms), Parameter::bytes(member.sealed)}));
    }

    Result<std::vector<Member>> members(const std::string& owner) override {
        auto rows = ask(sql::kMembers, {Parameter::text(owner)});
        if (!rows) return fail(rows.error());
        std::vector<Member> out;
        for (int i = 0; i < rows->count(); ++i) out.push_back({rows->bytes(i, 0), rows->bytes(i, 1)});
        return out;
    }

    Result<void> forget(const std::string& owner, const std::string& member) override {
        return done(ask(sql::kForget, {Parameter::text(owner), Parameter::text(member)}));
    }

    Result<std::uint64_t> lock(const std::string& name, std::int64_t ttl_ms) override {
        return number_of(ask(sql::kLock, {Parameter::text(name), Parameter::number(ttl_ms)}), held);
    }

    Result<void> unlock(const std::string& name, std::uint64_t fence) override {
        return done(ask(sql::kUnlock, {Parameter::text(name), Parameter::number(to_signed(fence))}));
    }

    Result<void> ping() override { return done(ask(sql::kPing, {}, kPingMs)); }

private:
    Result<PostgresqlRows> ask(const char* statement, const std::vector<Parameter>& parameters, std::int64_t limit_ms = kCallMs) {
        return pool_.with(limit_ms, [&](Connection& connection, std::int64_t deadline_ns) -> Result<PostgresqlRows> {
            if (!tables_there_)
                if (auto made = make_tables(connection, deadline_ns); !made) return fail(made.error());
            auto rows = connection.ask(statement, parameters, deadline_ns);
            if (rows) sweep(connection, deadline_ns);
            return rows;
        });
    }

    /// Asked first: who may only use the tables may not even make them "if not exists".
    Result<void> make_tables(Connection& connection, std::int64_t deadline_ns) {
        auto there = connection.ask(sql::kTablesThere, {}, deadline_ns);
        if (!there) return fail(there.error());
        if (there->count() == 0)
            if (auto made = connection.run(sql::kMakeTables, deadline_ns); !made) {
                // Also ends the transaction that failed.
                connection.give_up();
                return made;
            }
        tables_there_ = true;
        return {};
    }

    /// Now and then one call frees what has expired. That it fails is no failure of
    /// the call: the next one says so.
    void sweep(Connection& connection, std::int64_t deadline_ns) {
        std::int64_t due = next_sweep_ns_;
        const std::int64_t now = monotonic_ns();
        if (now < due || !next_sweep_ns_.compare_exchange_strong(due, now + kSweepEveryNs)) return;
        for (const char* statement : sql::kSweep)
            if (!connection.ask(statement, {}, deadline_ns)) return;
    }

    std::string url_;
    std::atomic<bool> tables_there_{false};
    std::atomic<std::int64_t> next_sweep_ns_{0};
    ConnectionPool<Connection> pool_;
};

}  // namespace

Result<std::unique_ptr<Backend>> postgresql_backend(std::string url) {
    if (auto good = check_postgresql_url(url); !good) return fail(good.error());
    return std::make_unique<Postgresql>(std::move(url));
}

}  // namespace acp::state
