// ledger: what is recorded of a workload action and of a security event.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "json/json.h"
#include "redact/marks.h"

namespace acp::ledger {

using Text = std::optional<std::string>;

enum class RunStatus : std::uint8_t { pending, running, succeeded, failed, rejected, halted, cancelled };
std::string_view to_text(RunStatus status) noexcept;
/// Whether a run ends with it: everything but pending and running.
bool is_final(RunStatus status) noexcept;

/// What is about to be done, by whom and for whom. Empty text means none.
struct RunIntent {
    std::string run_uid;  ///< UUID version 7; made by the ledger when empty
    std::string action;   ///< e.g. "workload.start"
    std::string provider_alias;
    std::string target;  ///< workload id
    std::string namespace_;
    std::string user_id;
    std::string actor_kind = "user";  ///< user, service, agent or system
    std::string on_behalf_of;
    std::string organization_id;
    std::string workspace_id;
    std::string cell_id;
    std::string request_id;
    std::string idempotency_key;
    json::Var payload;                                         ///< the ledger redacts it before it is stored
    std::shared_ptr<const redact::SchemaMarks> payload_marks;  ///< secret members by the action's schema, or null
};

/// How it ended.
struct RunOutcome {
    RunStatus status = RunStatus::succeeded;
    json::Var result;         ///< redacted before it is stored
    std::string result_hash;  ///< SHA-256 in hex; of the stored result when empty
    std::string error;
    std::string halt_reason;
    int http_status = 0;  ///< of the response, 0 for none
    std::shared_ptr<const redact::SchemaMarks> result_marks;
};

/// One row of workload_runs. Times are RFC 3339 in UTC with milliseconds, so
/// that their order as text is their order in time; hashes are lower-case hex.
struct RunRow {
    std::int64_t id = 0;  ///< the sequence number of the intent's link in the chain
    std::string run_uid;
    std::string started_at;
    Text finished_at;
    std::string status;
    std::string action;
    Text provider_alias;
    Text target;
    Text namespace_;
    Text user_id;
    std::string actor_kind;
    Text on_behalf_of;
    Text organization_id;
    Text workspace_id;
    Text cell_id;
    Text request_id;
    Text idempotency_key;
    Text payload;  ///< JSON
    Text result;   ///< JSON
    Text result_hash;
    Text error;
    Text halt_reason;
    std::optional<std::int64_t> http_status;
    std::optional<std::int64_t> duration_ms;
    std::string prev_hash;  ///< of the intent's link
    std::string row_hash;   ///< of the intent's link
};

/// Something the security audit keeps: a token mint, a denial, a halt.
struct SecurityEvent {
    std::string kind;  ///< e.g. "token.mint"
    std::string actor;
    std::string target;
    std::string outcome;  ///< e.g. "granted", "denied"
    std::string request_id;
    json::Var details;  ///< redacted before it is stored
};

/// One row of security_audit_events.
struct EventRow {
    std::int64_t id = 0;  ///< the sequence number of its link in the chain
    std::string event_uid;
    std::string occurred_at;
    std::string kind;
    Text actor;
    Text target;
    Text outcome;
    Text request_id;
    Text details;  ///< JSON
    std::string prev_hash;
    std::string row_hash;
};

/// A client's Idempotency-Key, bound to who sent it and what the request was.
struct IdempotencyClaim {
    std::string principal;
    std::string key;
    std::string fingerprint;  ///< SHA-256 over method, path and body, in hex
};

/// What a repeated request gets instead of a second execution. The ledger
/// redacts the body before it is stored.
struct StoredResponse {
    int status = 0;
    std::string content_type;
    std::string location;
    std::string body;
};

/// The row is durable: the action may start.
struct Started {
    std::string run_uid;
};
/// The same request was answered before.
struct Replay {
    StoredResponse response;
};
/// The same request is being carried out now.
struct InFlight {
    std::string run_uid;
};
/// The key was used for a different request.
struct Mismatch {};

using Begun = std::variant<Started, Replay, InFlight, Mismatch>;

}  // namespace acp::ledger
