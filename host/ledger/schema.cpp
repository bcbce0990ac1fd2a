#include "ledger/schema.h"

namespace acp::ledger {

const std::vector<Migration>& sqlite_migrations() {
    // STRICT: a value of another type than the column's cannot be stored, so
    // none can hide behind a conversion when the chain is verified.
    static const std::vector<Migration> migrations = {
        {1,
         "runs, events, chain and idempotency keys",
         {
             R"(CREATE TABLE ledger_chain (
    seq       INTEGER PRIMARY KEY AUTOINCREMENT,
    subject   TEXT NOT NULL,
    ref       TEXT NOT NULL,
    digest    TEXT NOT NULL,
    prev_hash TEXT NOT NULL,
    row_hash  TEXT NOT NULL
) STRICT)",
             R"(CREATE TABLE ledger_head (
    id        INTEGER PRIMARY KEY CHECK (id = 1),
    ledger_id TEXT NOT NULL,
    seq       INTEGER NOT NULL,
    row_hash  TEXT NOT NULL
) STRICT)",
             R"(CREATE TABLE workload_runs (
    id              INTEGER PRIMARY KEY,
    run_uid         TEXT NOT NULL UNIQUE,
    started_at      TEXT NOT NULL,
    finished_at     TEXT,
    status          TEXT NOT NULL,
    action          TEXT NOT NULL,
    provider_alias  TEXT,
    target          TEXT,
    namespace       TEXT,
    user_id         TEXT,
    actor_kind      TEXT NOT NULL,
    on_behalf_of    TEXT,
    organization_id TEXT,
    workspace_id    TEXT,
    cell_id         TEXT,
    request_id      TEXT,
    idempotency_key TEXT,
    payload         TEXT,
    result          TEXT,
    result_hash     TEXT,
    error           TEXT,
    halt_reason     TEXT,
    http_status     INTEGER,
    duration_ms     INTEGER,
    prev_hash       TEXT NOT NULL,
    row_hash        TEXT NOT NULL
) STRICT)",
             "CREATE INDEX workload_runs_open ON workload_runs (id) WHERE finished_at IS NULL",
             R"(CREATE TABLE security_audit_events (
    id          INTEGER PRIMARY KEY,
    event_uid   TEXT NOT NULL UNIQUE,
    occurred_at TEXT NOT NULL,
    kind        TEXT NOT NULL,
    actor       TEXT,
    target      TEXT,
    outcome     TEXT,
    request_id  TEXT,
    details     TEXT,
    prev_hash   TEXT NOT NULL,
    row_hash    TEXT NOT NULL
) STRICT)",
             R"(CREATE TABLE idempotency_keys (
    principal    TEXT NOT NULL,
    key          TEXT NOT NULL,
    fingerprint  TEXT NOT NULL,
    run_uid      TEXT NOT NULL UNIQUE,
    created_ms   INTEGER NOT NULL,
    status       INTEGER,
    content_type TEXT,
    location     TEXT,
    body         TEXT,
    PRIMARY KEY (principal, key)
) STRICT)",
             "CREATE INDEX idempotency_keys_age ON idempotency_keys (created_ms)",
         }},
    };
    return migrations;
}

}  // namespace acp::ledger
