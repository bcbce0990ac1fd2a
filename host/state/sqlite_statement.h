// state: a prepared SQLite statement. Poco::Data opens the session; it prepares
// a statement anew at each execute(), which would cost more than the work.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace acp::state {

/// One thread at a time. Failures are Poco::Data::SQLite's exceptions.
class SqliteStatement {
public:
    SqliteStatement(sqlite3* database, std::string_view sql);

    /// One run with its parameters, in order; reset when it goes.
    class Run {
    public:
        explicit Run(SqliteStatement& statement) noexcept : statement_(statement) {}
        ~Run();
        Run(const Run&) = delete;
        Run& operator=(const Run&) = delete;

        Run& text(std::string_view value);
        Run& blob(std::string_view value);
        Run& number(std::int64_t value);
        /// Whether there is a row (one more row); else the statement is done.
        bool step();
        /// Runs to its end, whatever rows there are.
        void finish();
        std::string bytes_at(int column) const;
        std::int64_t number_at(int column) const;

    private:
        void check(int code) const;
        SqliteStatement& statement_;
        int next_ = 1;
    };
    Run run() { return Run(*this); }

private:
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const noexcept;
    };
    sqlite3* database_;
    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

}  // namespace acp::state
