#include "state/sqlite_statement.h"

#include <Poco/Data/SQLite/Utility.h>
#include <sqlite3.h>

namespace acp::state {

using Poco::Data::SQLite::Utility;

void SqliteStatement::Finalize::operator()(sqlite3_stmt* statement) const noexcept {
    sqlite3_finalize(statement);
}

SqliteStatement::SqliteStatement(sqlite3* database, std::string_view sql) : database_(database) {
    sqlite3_stmt* raw = nullptr;
    const int code = sqlite3_prepare_v3(database, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
    statement_.reset(raw);
    if (code != SQLITE_OK) Utility::throwException(database, code);
}

SqliteStatement::Run::~Run() {
    sqlite3_reset(statement_.statement_.get());
    sqlite3_clear_bindings(statement_.statement_.get());
}

void SqliteStatement::Run::check(int code) const {
    if (code != SQLITE_OK) Utility::throwException(statement_.database_, code);
}

// The caller's bytes outlive the run: SQLite need not copy them.
SqliteStatement::Run& SqliteStatement::Run::text(std::string_view value) {
    check(sqlite3_bind_text(statement_.statement_.get(), next_++, value.data(), static_cast<int>(value.size()), SQLITE_STATIC));
    return *this;
}

SqliteStatement::Run& SqliteStatement::Run::blob(std::string_view value) {
    check(sqlite3_bind_blob(statement_.statement_.get(), next_++, value.data(), static_cast<int>(value.size()), SQLITE_STATIC));
    return *this;
}

SqliteStatement::Run& SqliteStatement::Run::number(std::int64_t value) {
    check(sqlite3_bind_int64(statement_.statement_.get(), next_++, value));
    return *this;
}

bool SqliteStatement::Run::step() {
    const int code = sqlite3_step(statement_.statement_.get());
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) Utility::throwException(statement_.database_, code);
    return false;
}

void SqliteStatement::Run::finish() {
    while (step()) {
    }
}

std::string SqliteStatement::Run::bytes_at(int column) const {
    const void* bytes = sqlite3_column_blob(statement_.statement_.get(), column);
    const int size = sqlite3_column_bytes(statement_.statement_.get(), column);
    return bytes ? std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(size)) : std::string();
}

std::int64_t SqliteStatement::Run::number_at(int column) const {
    return sqlite3_column_int64(statement_.statement_.get(), column);
}

}  // namespace acp::state
