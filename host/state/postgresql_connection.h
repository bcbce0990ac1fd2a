// state: one connection to PostgreSQL; every step has a deadline. On libpq, which
// Poco::Data::PostgreSQL wraps: Poco waits for an answer for as long as it takes,
// so a stalled database would hold our threads, and needs four round trips for a
// statement (prepare, describe, execute, deallocate) where one does.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "state/libpq.h"

namespace acp::state {

using PostgresqlResult = std::unique_ptr<PGresult, FreeByLibpq<&Libpq::PQclear>>;

/// What a statement gave.
class PostgresqlRows {
public:
    explicit PostgresqlRows(PostgresqlResult result) : result_(std::move(result)) {}
    int count() const { return pq().PQntuples(result_.get()); }
    std::string bytes(int row, int column) const;
    /// Of a bigint.
    std::int64_t number(int row, int column) const;

private:
    PostgresqlResult result_;
};

/// A parameter, in its order as $1, $2, ... in the statement.
struct Parameter {
    enum class Type : std::uint8_t { text, bytes, number };
    Type type = Type::text;
    std::string value;  ///< as it is sent
    static Parameter text(std::string_view value) { return {Type::text, std::string(value)}; }
    static Parameter bytes(std::string_view value) { return {Type::bytes, std::string(value)}; }
    static Parameter number(std::int64_t value);
};

/// One thread at a time. Errors are Code::unavailable.
class PostgresqlConnection {
public:
    /// `url` as check_postgresql_url accepts it.
    static Result<std::unique_ptr<PostgresqlConnection>> open(const std::string& url, std::int64_t deadline_ns);

    /// One statement, results in binary.
    Result<PostgresqlRows> ask(const char* sql, const std::vector<Parameter>& parameters, std::int64_t deadline_ns);
    /// Several statements without parameters or rows, one transaction.
    Result<void> run(const char* sql, std::int64_t deadline_ns);

    bool usable() const noexcept { return usable_; }
    /// The server's last word was an answer, and it is still there.
    bool quiet() const noexcept;
    void give_up() noexcept { usable_ = false; }

private:
    Result<void> connect(const std::string& url, std::int64_t deadline_ns);
    Result<void> wait(short events, std::int64_t deadline_ns);
    Result<PostgresqlResult> answer(std::int64_t deadline_ns);
    tl::unexpected<Error> broken(const std::string& cause);
    tl::unexpected<Error> refused(const PGresult* result);

    std::unique_ptr<PGconn, FreeByLibpq<&Libpq::PQfinish>> connection_;
    bool usable_ = true;
};

/// Whether libpq understands the URL (postgresql://user:password@host:port/database
/// and its parameters). The error quotes nothing of it.
Result<void> check_postgresql_url(const std::string& url);

}  // namespace acp::state
