// state: what PostgreSQL is asked. Every call is one statement, and so one
// transaction: INSERT .. ON CONFLICT judges and changes the row under its lock.
#pragma once

namespace acp::state::postgresql {

// The database's own time in Unix milliseconds, and a fresh number (see backend.h).
#define ACP_NOW_MS "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
#define ACP_NOW_US "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"

inline constexpr const char* kTablesThere = "SELECT 1::bigint WHERE to_regclass('acp_state_locks') IS NOT NULL";

/// Processes that start at once wait for each other at the lock. EXTERNAL: what is
/// sealed does not shrink. Released tables are never edited: a new form of one gets
/// a new name.
inline constexpr const char* kMakeTables = R"(
BEGIN;
SELECT pg_advisory_xact_lock(7020261347201);
CREATE TABLE IF NOT EXISTS acp_state_entries (name text PRIMARY KEY, version bigint NOT NULL, expires_ms bigint NOT NULL, sealed bytea NOT NULL);
ALTER TABLE acp_state_entries ALTER COLUMN sealed SET STORAGE EXTERNAL;
CREATE INDEX IF NOT EXISTS acp_state_entries_expiry ON acp_state_entries (expires_ms);
CREATE TABLE IF NOT EXISTS acp_state_counters (name text PRIMARY KEY, count bigint NOT NULL, expires_ms bigint NOT NULL);
CREATE INDEX IF NOT EXISTS acp_state_counters_expiry ON acp_state_counters (expires_ms);
CREATE TABLE IF NOT EXISTS acp_state_members
  (owner text NOT NULL, name text NOT NULL, expires_ms bigint NOT NULL, sealed bytea NOT NULL, PRIMARY KEY (owner, name));
CREATE INDEX IF NOT EXISTS acp_state_members_expiry ON acp_state_members (expires_ms);
CREATE TABLE IF NOT EXISTS acp_state_locks (name text PRIMARY KEY, fence bigint NOT NULL, expires_ms bigint NOT NULL);
CREATE INDEX IF NOT EXISTS acp_state_locks_expiry ON acp_state_locks (expires_ms);
COMMIT
)";

inline constexpr const char* kGet = "SELECT sealed, version, expires_ms FROM acp_state_entries WHERE name = $1 AND expires_ms > " ACP_NOW_MS;

#define ACP_PUT                                                                                                                          \
    "INSERT INTO acp_state_entries AS e (name, version, expires_ms, sealed) VALUES ($1, " ACP_NOW_US ", " ACP_NOW_MS                     \
    " + $2, $3)"                                                                                                                         \
    " ON CONFLICT (name) DO UPDATE SET version = greatest(e.version + 1, excluded.version), expires_ms = excluded.expires_ms, sealed = " \
    "excluded.sealed"
inline constexpr const char* kPut = ACP_PUT " RETURNING version";
inline constexpr const char* kPutAbsent = ACP_PUT " WHERE e.expires_ms <= " ACP_NOW_MS " RETURNING version";
#undef ACP_PUT
inline constexpr const char* kPutVersion = "UPDATE acp_state_entries SET version = greatest(version + 1, " ACP_NOW_US "), expires_ms = " ACP_NOW_MS
                                           " + $2, sealed = $3"
                                           " WHERE name = $1 AND version = $4 AND expires_ms > " ACP_NOW_MS " RETURNING version";

/// The last column says whether it was still there: an expired row goes as well.
inline constexpr const char* kTake =
    "DELETE FROM acp_state_entries WHERE name = $1 RETURNING sealed, version, expires_ms, (expires_ms > " ACP_NOW_MS ")::int::bigint";

inline constexpr const char* kCount =
    "INSERT INTO acp_state_counters AS c (name, count, expires_ms) VALUES ($1, 1, " ACP_NOW_MS
    " + $2) ON CONFLICT (name) DO UPDATE"
    " SET count = CASE WHEN c.expires_ms > " ACP_NOW_MS
    " THEN c.count + 1 ELSE 1 END,"
    " expires_ms = CASE WHEN c.expires_ms > " ACP_NOW_MS " THEN c.expires_ms ELSE excluded.expires_ms END RETURNING count";

inline constexpr const char* kRemember = "INSERT INTO acp_state_members (owner, name, expires_ms, sealed) VALUES ($1, $2, " ACP_NOW_MS
                                         " + $3, $4)"
                                         " ON CONFLICT (owner, name) DO UPDATE SET expires_ms = excluded.expires_ms, sealed = excluded.sealed";
inline constexpr const char* kMembers = "SELECT name, sealed FROM acp_state_members WHERE owner = $1 AND expires_ms > " ACP_NOW_MS;
inline constexpr const char* kForget = "DELETE FROM acp_state_members WHERE owner = $1 AND name = $2";

inline constexpr const char* kLock =
    "INSERT INTO acp_state_locks AS l (name, fence, expires_ms) VALUES ($1, " ACP_NOW_US ", " ACP_NOW_MS
    " + $2) ON CONFLICT (name) DO UPDATE"
    " SET fence = greatest(l.fence + 1, excluded.fence), expires_ms = excluded.expires_ms WHERE l.expires_ms <= " ACP_NOW_MS " RETURNING fence";
inline constexpr const char* kUnlock = "UPDATE acp_state_locks SET expires_ms = least(expires_ms, " ACP_NOW_MS ") WHERE name = $1 AND fence = $2";

inline constexpr const char* kPing = "SELECT 1::bigint";

/// Rows that others work on are left for the next time. A lock's row outlives its
/// holder by a week, so that the next fence is larger even if the clock was set back.
#define ACP_SWEEP(table, kept_ms)                                                                                            \
    "DELETE FROM " table " WHERE ctid = ANY (ARRAY(SELECT ctid FROM " table " WHERE expires_ms <= " ACP_NOW_MS " - " kept_ms \
    " LIMIT 1000 FOR UPDATE SKIP LOCKED))"
inline constexpr const char* kSweep[] = {
    ACP_SWEEP("acp_state_entries", "0"),
    ACP_SWEEP("acp_state_counters", "0"),
    ACP_SWEEP("acp_state_members", "0"),
    ACP_SWEEP("acp_state_locks", "604800000"),
};
#undef ACP_SWEEP
#undef ACP_NOW_MS
#undef ACP_NOW_US

}  // namespace acp::state::postgresql
