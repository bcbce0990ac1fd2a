// ledger: the hash chain. Every row has a link, and every link holds the hash
// of the one before, so a row that is edited, removed, moved or slipped in
// breaks what follows.
//
// Encoding of what is hashed: fields one after the other, each one of
//   null    00
//   text    01, length in bytes (8 bytes, big-endian), the bytes
//   number  02, value (8 bytes, two's complement, big-endian)
// so that no two lists of fields have the same bytes. The first field of each
// is a text that names the kind and its version:
//
//   genesis      "acp.ledger.genesis/1", ledger id
//   run.intent   "acp.ledger.run.intent/1", run_uid, started_at, action,
//                provider_alias, target, namespace, user_id, actor_kind,
//                on_behalf_of, organization_id, workspace_id, cell_id,
//                request_id, idempotency_key, payload
//   run.outcome  "acp.ledger.run.outcome/1", run_uid, finished_at, status,
//                result, result_hash, error, halt_reason, http_status,
//                duration_ms
//   event        "acp.ledger.event/1", event_uid, occurred_at, kind, actor,
//                target, outcome, request_id, details
//   link         "acp.ledger.link/1", prev_hash, seq, subject, ref, digest
//
// digest = SHA-256 of the subject's encoding, row_hash = SHA-256 of the link's
// encoding; hashes are fields of type text, 64 lower-case hex digits. seq
// counts from 1 without gaps; link 1 is the genesis, whose prev_hash is 64
// zeros and whose ref is the random ledger id. The `id` of a run or event is
// the seq of its (intent's) link. ledger_head repeats the last link, so a cut
// tail shows unless that row and the database's own counter are forged too.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ledger/run.h"

namespace acp::ledger {

namespace subject {
inline constexpr std::string_view kGenesis = "genesis";
inline constexpr std::string_view kIntent = "run.intent";
inline constexpr std::string_view kOutcome = "run.outcome";
inline constexpr std::string_view kEvent = "event";
}  // namespace subject

/// A row of ledger_chain.
struct Link {
    std::int64_t seq = 0;
    std::string subject;
    std::string ref;  ///< run_uid, event_uid or ledger id
    std::string digest;
    std::string prev_hash;
    std::string row_hash;
};

/// The chain's end.
struct Head {
    std::string ledger_id;
    std::int64_t seq = 0;
    std::string row_hash;
};

std::string genesis_digest(const std::string& ledger_id);
std::string intent_digest(const RunRow& row);
std::string outcome_digest(const RunRow& row);
std::string event_digest(const EventRow& row);
std::string link_hash(const Link& link);

/// The first link of a new ledger with a random id; `head` is set to it.
Link make_genesis(Head& head);
/// The link after `head`; `head` moves on to it.
Link append(Head& head, std::string_view subject, const std::string& ref, std::string digest);

}  // namespace acp::ledger
