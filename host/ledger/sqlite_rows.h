// ledger: reading rows out of SQLite, one at a time.
#pragma once

#include <Poco/Data/Session.h>
#include <Poco/Data/Statement.h>
#include <Poco/Nullable.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "ledger/chain.h"
#include "ledger/run.h"

namespace acp::ledger {

using NullableText = Poco::Nullable<std::string>;
using NullableNumber = Poco::Nullable<Poco::Int64>;

/// Receives the columns of workload_runs. Not movable: statements refer to it.
class RunColumns {
public:
    RunColumns() = default;
    RunColumns(const RunColumns&) = delete;
    RunColumns& operator=(const RunColumns&) = delete;

    /// The columns in order, each after `prefix`, e.g. "r.".
    static std::string list(const std::string& prefix = {});
    void bind(Poco::Data::Statement& statement);
    bool present() const { return !id_.isNull(); }
    RunRow row() const;

private:
    NullableNumber id_, http_status_, duration_ms_;
    std::array<NullableText, 23> texts_;
};

/// As RunColumns, for security_audit_events.
class EventColumns {
public:
    EventColumns() = default;
    EventColumns(const EventColumns&) = delete;
    EventColumns& operator=(const EventColumns&) = delete;

    static std::string list(const std::string& prefix = {});
    void bind(Poco::Data::Statement& statement);
    bool present() const { return !id_.isNull(); }
    EventRow row() const;

private:
    NullableNumber id_;
    std::array<NullableText, 10> texts_;
};

/// As RunColumns, for ledger_chain.
class LinkColumns {
public:
    LinkColumns() = default;
    LinkColumns(const LinkColumns&) = delete;
    LinkColumns& operator=(const LinkColumns&) = delete;

    static std::string list(const std::string& prefix = {});
    void bind(Poco::Data::Statement& statement);
    Link row() const;

private:
    NullableNumber seq_;
    std::array<NullableText, 5> texts_;
};

/// Runs `sql` with text parameters and calls `visit()` for each row, whose
/// values are then in `columns`. Throws Poco::Exception.
template <typename Visit, typename... Columns>
void each_row(Poco::Data::Session& session, const std::string& sql, std::vector<std::string> parameters, Visit visit,
              Columns&... columns) {
    Poco::Data::Statement statement(session);
    statement << sql;
    for (auto& parameter : parameters) statement, Poco::Data::Keywords::use(parameter);
    (columns.bind(statement), ...);
    statement, Poco::Data::Keywords::limit(1);
    while (!statement.done())
        if (statement.execute() > 0) visit();
}

/// The value of a one-row query, if it has a row.
std::optional<std::int64_t> query_number(Poco::Data::Session& session, const std::string& sql);
std::optional<Head> query_head(Poco::Data::Session& session);

}  // namespace acp::ledger
