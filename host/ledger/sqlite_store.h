// ledger: the store in one SQLite file, write-ahead log, through Poco::Data.
#pragma once

#include <memory>
#include <string>

#include "ledger/sqlite_session.h"
#include "ledger/sqlite_transaction.h"
#include "ledger/store.h"

namespace acp::ledger {

class SqliteStore : public Store {
public:
    /// Creates the file (mode 0600) when it is missing. `max_pages` caps its
    /// size, 0 for none.
    static Result<std::unique_ptr<SqliteStore>> open(const std::string& path, std::int64_t max_pages);
    /// For verification: never creates, never writes, takes no lock.
    static Result<std::unique_ptr<SqliteStore>> open_read_only(const std::string& path);

    Result<void> migrate() override;
    Result<std::unique_ptr<WriteTransaction>> begin_write() override;
    Result<std::optional<RunRow>> run(const std::string& run_uid) override;
    Result<std::vector<RunRow>> runs(const RunFilter& filter, std::int64_t before_id, std::size_t count) override;
    Result<std::vector<RunRow>> open_runs() override;
    Result<std::vector<EventRow>> events(const EventFilter& filter, std::int64_t before_id, std::size_t count) override;
    Result<std::unique_ptr<Snapshot>> snapshot() override;

private:
    SqliteStore(const std::string& path, std::int64_t max_pages)
        : path_(path), writer_(path, max_pages), readers_(path, kReaders) {}

    static constexpr std::size_t kReaders = 4;

    Result<std::vector<RunRow>> select_runs(const std::string& sql, std::vector<std::string> parameters);

    const std::string path_;
    SqliteWriter writer_;
    ReadPool readers_;
};

}  // namespace acp::ledger
