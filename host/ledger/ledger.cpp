#include "ledger/ledger.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "ledger/sqlite_store.h"
#include "ledger/wording.h"

namespace acp::ledger {

namespace {

constexpr std::array<std::string_view, 4> kActorKinds = {"user", "service", "agent", "system"};

Error refused_now() {
    Error error;
    error.code = Code::unavailable;
    error.slug = "audit_unavailable";
    error.message = "the ledger is unavailable: its queue is full or it is closing; try again";
    error.retryable = true;
    error.retry_after_ms = 1000;
    return error;
}

/// A new database gets its genesis; an old one must end where its head says.
Result<void> prepare_chain(Store& store, const std::string& path) {
    auto snapshot = store.snapshot();
    if (!snapshot) return fail(snapshot.error());
    auto head = (*snapshot)->head();
    if (!head) return fail(head.error());
    auto high_water = (*snapshot)->high_water();
    if (!high_water) return fail(high_water.error());
    std::int64_t head_seq = *head ? (*head)->seq : 0;
    if (head_seq != *high_water)
        return fail(Code::conflict, "ledger_damaged",
                    "the ledger " + path + " ends at link " + std::to_string(head_seq) + " by its head, at " +
                        std::to_string(*high_water) +
                        " by the database: rows were removed or slipped in. Run audit verify, keep the file as "
                        "evidence and start with another data directory");
    if (*head) return {};
    auto transaction = store.begin_write();
    if (!transaction) return fail(transaction.error());
    Head first;
    Writes writes;
    writes.links.push_back(make_genesis(first));
    writes.head = first;
    if (auto applied = (*transaction)->apply(writes); !applied) return applied;
    return (*transaction)->commit();
}

std::unordered_map<std::string, OpenRun> open_runs_of(const std::vector<RunRow>& rows) {
    std::unordered_map<std::string, OpenRun> out;
    for (const RunRow& row : rows) {
        std::int64_t started_ns = 0;
        // A start that cannot be read gives a duration from 1970; verification
        // tells that the column was edited.
        (void)parse_rfc3339(row.started_at, started_ns);
        out[row.run_uid] = {started_ns / 1'000'000, row.idempotency_key.has_value()};
    }
    return out;
}

Result<void> check(const RunIntent& intent) {
    if (intent.action.empty()) return fail(Code::invalid, "run_invalid", "a run needs an action");
    if (std::find(kActorKinds.begin(), kActorKinds.end(), intent.actor_kind) == kActorKinds.end())
        return fail(Code::invalid, "run_invalid", "actor_kind must be user, service, agent or system");
    return {};
}

}  // namespace

Result<std::unique_ptr<Ledger>> Ledger::open(LedgerOptions options) {
    if (!options.redactor) options.redactor = std::make_shared<redact::Redactor>();
    options.max_batch = std::max<std::size_t>(options.max_batch, 1);
    auto lock = LockFile::acquire(options.path + ".lock");
    if (!lock) return fail(lock.error());
    auto store = SqliteStore::open(options.path, options.max_pages);
    if (!store) return fail(store.error());
    if (auto migrated = (*store)->migrate(); !migrated) return fail(migrated.error());
    if (auto prepared = prepare_chain(**store, options.path); !prepared) return fail(prepared.error());
    auto interrupted = (*store)->open_runs();
    if (!interrupted) return fail(interrupted.error());
    return std::unique_ptr<Ledger>(
        new Ledger(std::move(*lock), std::move(options), std::move(*store), std::move(*interrupted)));
}

Ledger::Ledger(LockFile lock, LedgerOptions options, std::unique_ptr<Store> store, std::vector<RunRow> interrupted)
    : lock_(std::move(lock)),
      options_(std::move(options)),
      store_(std::move(store)),
      interrupted_(std::move(interrupted)),
      writer_(*store_, {options_.max_batch, options_.queue_limit, options_.now_ms}, open_runs_of(interrupted_)) {}

void Ledger::begin(RunIntent intent, std::optional<IdempotencyClaim> claim, BeginDone done) {
    if (auto checked = check(intent); !checked) return done(fail(checked.error()));
    // The column is what tells a later process that a key waits for this run.
    if (claim && intent.idempotency_key.empty()) intent.idempotency_key = claim->key;
    const redact::Redactor& redactor = *options_.redactor;
    auto held = std::make_unique<BeginOp>();
    BeginOp& begin = *held;
    begin.started_ms = options_.now_ms();
    RunRow& row = begin.row;
    row.run_uid = intent.run_uid.empty() ? uuid7() : stored_text(intent.run_uid).value();
    row.started_at = rfc3339_ms(begin.started_ms);
    row.status = to_text(RunStatus::running);
    row.action = stored_text(intent.action).value();
    row.provider_alias = stored_text(intent.provider_alias);
    row.target = stored_text(intent.target, redactor);
    row.namespace_ = stored_text(intent.namespace_);
    row.user_id = stored_text(intent.user_id);
    row.actor_kind = intent.actor_kind;
    row.on_behalf_of = stored_text(intent.on_behalf_of);
    row.organization_id = stored_text(intent.organization_id);
    row.workspace_id = stored_text(intent.workspace_id);
    row.cell_id = stored_text(intent.cell_id);
    row.request_id = stored_text(intent.request_id);
    row.idempotency_key = stored_text(intent.idempotency_key);
    row.payload = stored_json(intent.payload, redactor, intent.payload_marks.get());
    begin.digest = intent_digest(row);
    if (claim) {
        claim->principal = stored_text(claim->principal).value_or("");
        claim->key = stored_text(claim->key).value_or("");
    }
    begin.claim = std::move(claim);
    begin.done = std::move(done);
    Op op = std::move(held);
    if (!writer_.push(op)) as<BeginOp>(op)->done(fail(refused_now()));
}

void Ledger::finish(const std::string& run_uid, RunOutcome outcome, std::optional<StoredResponse> response, Done done) {
    if (!is_final(outcome.status))
        return done(fail(Code::invalid, "run_invalid", "an outcome cannot be pending or running"));
    auto open = writer_.take_open(run_uid);
    if (!open) return done(fail(Code::not_found, "run_not_open", "there is no run " + run_uid + " without an outcome"));
    const redact::Redactor& redactor = *options_.redactor;
    std::int64_t now_ms = options_.now_ms();
    auto held = std::make_unique<FinishOp>();
    FinishOp& finish = *held;
    finish.started_ms = open->started_ms;
    finish.has_claim = open->has_claim;
    RunRow& row = finish.row;
    row.run_uid = run_uid;
    row.finished_at = rfc3339_ms(now_ms);
    row.status = to_text(outcome.status);
    row.result = stored_json(outcome.result, redactor, outcome.result_marks.get());
    row.result_hash = stored_text(outcome.result_hash);
    if (!row.result_hash && row.result) row.result_hash = sha256_hex(*row.result);
    row.error = stored_text(outcome.error, redactor);
    row.halt_reason = stored_text(outcome.halt_reason, redactor);
    if (outcome.http_status != 0) row.http_status = outcome.http_status;
    row.duration_ms = std::max<std::int64_t>(now_ms - open->started_ms, 0);
    finish.digest = outcome_digest(row);
    if (finish.has_claim && response) finish.response = stored_response(std::move(*response), redactor);
    finish.done = std::move(done);
    Op op = std::move(held);
    if (!writer_.push(op)) as<FinishOp>(op)->done(fail(refused_now()));
}

void Ledger::record(SecurityEvent event, Done done) {
    if (event.kind.empty()) {
        if (done) done(fail(Code::invalid, "event_invalid", "a security event needs a kind"));
        return;
    }
    const redact::Redactor& redactor = *options_.redactor;
    auto entry = std::make_unique<EventOp>();
    EventRow& row = entry->row;
    row.event_uid = uuid7();
    row.occurred_at = rfc3339_ms(options_.now_ms());
    row.kind = stored_text(event.kind).value();
    row.actor = stored_text(event.actor);
    row.target = stored_text(event.target, redactor);
    row.outcome = stored_text(event.outcome);
    row.request_id = stored_text(event.request_id);
    row.details = stored_json(event.details, redactor, nullptr);
    entry->digest = event_digest(row);
    entry->done = std::move(done);
    Op op = std::move(entry);
    if (!writer_.push(op))
        if (auto& refused = as<EventOp>(op)->done) refused(fail(refused_now()));
}

Result<RunRow> Ledger::get(const std::string& run_uid) const {
    auto row = store_->run(run_uid);
    if (!row) return fail(row.error());
    if (!*row) return fail(Code::not_found, "run_not_found", "there is no run " + run_uid.substr(0, 64));
    return std::move(**row);
}

Result<RunPage> Ledger::list(const RunFilter& filter, std::size_t limit, const std::string& cursor) const {
    if (auto checked = check_limit(limit); !checked) return fail(checked.error());
    auto before = read_cursor(cursor);
    if (!before) return fail(before.error());
    auto rows = store_->runs(filter, *before, limit + 1);
    if (!rows) return fail(rows.error());
    return make_page<RunPage>(std::move(*rows), limit);
}

Result<EventPage> Ledger::list_events(const EventFilter& filter, std::size_t limit, const std::string& cursor) const {
    if (auto checked = check_limit(limit); !checked) return fail(checked.error());
    auto before = read_cursor(cursor);
    if (!before) return fail(before.error());
    auto rows = store_->events(filter, *before, limit + 1);
    if (!rows) return fail(rows.error());
    return make_page<EventPage>(std::move(*rows), limit);
}

}  // namespace acp::ledger
