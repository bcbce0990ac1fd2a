// ledger: the writing side of the SQLite store.
#pragma once

#include <Poco/Data/Session.h>
#include <Poco/Data/Statement.h>

#include <memory>
#include <optional>
#include <string>

#include "ledger/sqlite_bulk.h"
#include "ledger/store.h"

namespace acp::ledger {

/// The one session that writes, with its prepared statements. After a failure
/// it is closed and opened again for the next transaction: neither Poco's
/// statements nor SQLite's view of a file that failed to sync are trusted.
/// [writer-thread]
class SqliteWriter {
public:
    SqliteWriter(std::string path, std::int64_t max_pages);

    Result<void> begin();
    Result<void> commit();
    void rollback() noexcept;

    /// Opens on first use.
    Result<Poco::Data::Session*> session();
    Result<std::optional<Head>> head();
    Result<std::optional<ClaimRow>> find_claim(const std::string& principal, const std::string& key);
    Result<bool> is_open(const std::string& run_uid);
    Result<void> apply(const Writes& writes);

private:
    void close() noexcept;
    void add_runs(const Writes& writes);
    void add_outcomes(const Writes& writes);
    void add_events(const Writes& writes);
    void add_links(const Writes& writes);
    void add_claims(const Writes& writes);

    const std::string path_;
    const std::int64_t max_pages_;
    std::optional<Poco::Data::Session> session_;
    std::optional<Poco::Data::Statement> begin_;
    std::optional<Poco::Data::Statement> commit_;
    Bulk runs_, outcomes_, events_, links_, head_;
    Bulk drop_claims_, claims_, responses_, release_claims_, expire_claims_;
};

/// Undoes what was not committed.
class SqliteTransaction : public WriteTransaction {
public:
    explicit SqliteTransaction(SqliteWriter& writer) : writer_(writer) {}
    ~SqliteTransaction() override {
        if (!committed_) writer_.rollback();
    }
    SqliteTransaction(const SqliteTransaction&) = delete;
    SqliteTransaction& operator=(const SqliteTransaction&) = delete;

    Result<std::optional<Head>> head() override { return writer_.head(); }
    Result<std::optional<ClaimRow>> find_claim(const std::string& principal, const std::string& key) override {
        return writer_.find_claim(principal, key);
    }
    Result<bool> is_open(const std::string& run_uid) override { return writer_.is_open(run_uid); }
    Result<void> apply(const Writes& writes) override { return writer_.apply(writes); }
    Result<void> commit() override {
        auto done = writer_.commit();
        committed_ = done.has_value();
        return done;
    }

private:
    SqliteWriter& writer_;
    bool committed_ = false;
};

}  // namespace acp::ledger
