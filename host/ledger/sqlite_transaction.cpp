#include "ledger/sqlite_transaction.h"

#include "ledger/sqlite_rows.h"
#include "ledger/sqlite_session.h"

namespace acp::ledger {

namespace {

using Poco::Data::Statement;
using namespace Poco::Data::Keywords;

std::string insert_into(const std::string& table, const std::string& columns, std::size_t count) {
    std::string sql = "INSERT INTO " + table + " (" + columns + ") VALUES (?";
    for (std::size_t i = 1; i < count; ++i) sql += ", ?";
    return sql + ")";
}

constexpr const char* kIntentColumns =
    "id, run_uid, started_at, status, action, provider_alias, target, namespace, user_id, actor_kind, on_behalf_of, "
    "organization_id, workspace_id, cell_id, request_id, idempotency_key, payload, prev_hash, row_hash";

constexpr const char* kSetOutcome =
    "UPDATE workload_runs SET finished_at = ?, status = ?, result = ?, result_hash = ?, error = ?, halt_reason = ?, "
    "http_status = ?, duration_ms = ? WHERE run_uid = ? AND finished_at IS NULL";

constexpr const char* kSetHead =
    "INSERT INTO ledger_head (id, ledger_id, seq, row_hash) VALUES (1, ?, ?, ?) "
    "ON CONFLICT (id) DO UPDATE SET ledger_id = excluded.ledger_id, seq = excluded.seq, row_hash = excluded.row_hash";

}  // namespace

SqliteWriter::SqliteWriter(std::string path, std::int64_t max_pages)
    : path_(std::move(path)),
      max_pages_(max_pages),
      runs_(insert_into("workload_runs", kIntentColumns, 19), "ntttttttttttttttttt"),
      outcomes_(kSetOutcome, "ttttttnnt"),
      events_(insert_into("security_audit_events", EventColumns::list(), 11), "ntttttttttt"),
      links_(insert_into("ledger_chain", LinkColumns::list(), 6), "nttttt"),
      head_(kSetHead, "tnt"),
      drop_claims_("DELETE FROM idempotency_keys WHERE principal = ? AND key = ?", "tt"),
      claims_(insert_into("idempotency_keys", "principal, key, fingerprint, run_uid, created_ms", 5), "ttttn"),
      responses_("UPDATE idempotency_keys SET status = ?, content_type = ?, location = ?, body = ? WHERE run_uid = ?",
                 "ntttt"),
      release_claims_("DELETE FROM idempotency_keys WHERE run_uid = ? AND status IS NULL", "t"),
      expire_claims_("DELETE FROM idempotency_keys WHERE created_ms < ?", "n") {}

Result<Poco::Data::Session*> SqliteWriter::session() {
    if (!session_) {
        auto opened = open_session(path_, Access::read_write, max_pages_);
        if (!opened) return fail(opened.error());
        session_.emplace(std::move(*opened));
    }
    return &*session_;
}

Result<void> SqliteWriter::begin() {
    auto open = session();
    if (!open) return fail(open.error());
    auto begun = guarded(path_, [&]() -> Result<void> {
        if (!begin_) {
            begin_.emplace(*session_);
            *begin_ << "BEGIN IMMEDIATE";
        }
        begin_->execute();
        return {};
    });
    if (!begun) close();
    return begun;
}

Result<void> SqliteWriter::commit() {
    return guarded(path_, [&]() -> Result<void> {
        if (!commit_) {
            commit_.emplace(*session_);
            *commit_ << "COMMIT";
        }
        commit_->execute();
        return {};
    });
}

void SqliteWriter::rollback() noexcept {
    // Closing rolls back, and works also where ROLLBACK itself would fail.
    close();
}

void SqliteWriter::close() noexcept {
    try {
        for (Bulk* bulk : {&runs_, &outcomes_, &events_, &links_, &head_, &drop_claims_, &claims_, &responses_,
                           &release_claims_, &expire_claims_})
            bulk->reset();
        begin_.reset();
        commit_.reset();
        session_.reset();
    } catch (const Poco::Exception&) {
        // The session is gone either way; the next begin() opens a new one.
        session_.reset();
    }
}

Result<std::optional<Head>> SqliteWriter::head() {
    return guarded(path_, [&]() -> Result<std::optional<Head>> { return query_head(*session_); });
}

Result<std::optional<ClaimRow>> SqliteWriter::find_claim(const std::string& principal, const std::string& key) {
    return guarded(path_, [&]() -> Result<std::optional<ClaimRow>> {
        ClaimRow row;
        row.claim = {principal, key, {}};
        Poco::Int64 created = 0;
        NullableNumber status;
        NullableText content_type, location, body;
        Statement statement(*session_);
        statement << "SELECT fingerprint, run_uid, created_ms, status, content_type, location, body "
                     "FROM idempotency_keys WHERE principal = ? AND key = ?",
            use(row.claim.principal), use(row.claim.key), into(row.claim.fingerprint), into(row.run_uid), into(created),
            into(status), into(content_type), into(location), into(body);
        if (statement.execute() == 0) return std::optional<ClaimRow>();
        row.created_ms = created;
        if (!status.isNull())
            row.response = StoredResponse{static_cast<int>(status.value()), content_type.value(std::string()),
                                          location.value(std::string()), body.value(std::string())};
        return std::optional<ClaimRow>(std::move(row));
    });
}

Result<bool> SqliteWriter::is_open(const std::string& run_uid) {
    return guarded(path_, [&]() -> Result<bool> {
        std::string uid = run_uid;
        Poco::Int64 id = 0;
        Statement statement(*session_);
        statement << "SELECT id FROM workload_runs WHERE run_uid = ? AND finished_at IS NULL", use(uid), into(id);
        return statement.execute() > 0;
    });
}

Result<void> SqliteWriter::apply(const Writes& writes) {
    return guarded(path_, [&]() -> Result<void> {
        add_links(writes);
        add_runs(writes);
        add_outcomes(writes);
        add_events(writes);
        add_claims(writes);
        return {};
    });
}

void SqliteWriter::add_runs(const Writes& writes) {
    for (const RunRow* row : writes.runs)
        runs_.number(row->id)
            .text(row->run_uid)
            .text(row->started_at)
            .text(row->status)
            .text(row->action)
            .text(row->provider_alias)
            .text(row->target)
            .text(row->namespace_)
            .text(row->user_id)
            .text(row->actor_kind)
            .text(row->on_behalf_of)
            .text(row->organization_id)
            .text(row->workspace_id)
            .text(row->cell_id)
            .text(row->request_id)
            .text(row->idempotency_key)
            .text(row->payload)
            .text(row->prev_hash)
            .text(row->row_hash);
    runs_.execute(*session_);
}

void SqliteWriter::add_outcomes(const Writes& writes) {
    for (const RunRow* row : writes.outcomes)
        outcomes_.text(row->finished_at)
            .text(row->status)
            .text(row->result)
            .text(row->result_hash)
            .text(row->error)
            .text(row->halt_reason)
            .number(row->http_status)
            .number(row->duration_ms)
            .text(row->run_uid);
    outcomes_.execute(*session_);
}

void SqliteWriter::add_events(const Writes& writes) {
    for (const EventRow* row : writes.events)
        events_.number(row->id)
            .text(row->event_uid)
            .text(row->occurred_at)
            .text(row->kind)
            .text(row->actor)
            .text(row->target)
            .text(row->outcome)
            .text(row->request_id)
            .text(row->details)
            .text(row->prev_hash)
            .text(row->row_hash);
    events_.execute(*session_);
}

void SqliteWriter::add_links(const Writes& writes) {
    for (const Link& link : writes.links)
        links_.number(link.seq)
            .text(link.subject)
            .text(link.ref)
            .text(link.digest)
            .text(link.prev_hash)
            .text(link.row_hash);
    links_.execute(*session_);
    if (writes.head) head_.text(writes.head->ledger_id).number(writes.head->seq).text(writes.head->row_hash);
    head_.execute(*session_);
}

void SqliteWriter::add_claims(const Writes& writes) {
    if (writes.expire_claims_before_ms > 0) expire_claims_.number(writes.expire_claims_before_ms);
    expire_claims_.execute(*session_);
    for (const auto& claim : writes.dropped_claims) drop_claims_.text(claim.principal).text(claim.key);
    drop_claims_.execute(*session_);
    for (const auto& [run_uid, response] : writes.responses)
        responses_.number(response->status)
            .text(response->content_type)
            .text(response->location)
            .text(response->body)
            .text(run_uid);
    responses_.execute(*session_);
    for (const auto& run_uid : writes.released_runs) release_claims_.text(run_uid);
    release_claims_.execute(*session_);
    for (const ClaimRow& row : writes.claims)
        claims_.text(row.claim.principal)
            .text(row.claim.key)
            .text(row.claim.fingerprint)
            .text(row.run_uid)
            .number(row.created_ms);
    claims_.execute(*session_);
}

}  // namespace acp::ledger
