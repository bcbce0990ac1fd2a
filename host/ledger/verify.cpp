#include "ledger/verify.h"

#include <unordered_map>

#include "ledger/sqlite_store.h"

namespace acp::ledger {

namespace {

/// Follows the chain from its first link; one call a link, then the rest.
class Verifier {
public:
    void link(const Link& link, const RunRow* run, const EventRow* event) {
        ++report_.links;
        check_position(link);
        if (link.row_hash != link_hash(link))
            problem(link, "link_edited", "the link does not have the hash it carries");
        last_ = link;
        if (link.subject == subject::kGenesis)
            genesis(link);
        else if (link.subject == subject::kIntent)
            intent(link, run);
        else if (link.subject == subject::kOutcome)
            outcome(link, run);
        else if (link.subject == subject::kEvent)
            this->event(link, event);
        else
            problem(link, "subject_unknown", "the link is of no known subject");
    }

    void unlinked_run(const RunRow& row) {
        problem(row.id, row.run_uid, "row_unlinked", "the run has no link of its own in the chain");
    }

    void unlinked_event(const EventRow& row) {
        problem(row.id, row.event_uid, "row_unlinked", "the event has no link of its own in the chain");
    }

    VerifyReport finish(const std::optional<Head>& head, std::int64_t high_water) {
        report_.open_runs = open_.size();
        for (const auto& [run_uid, touched] : open_)
            if (touched.second)
                problem(touched.first, run_uid, "outcome_unlinked",
                        "the run has an outcome or status that the chain does not know");
        check_end(head, high_water);
        return std::move(report_);
    }

private:
    void check_position(const Link& link) {
        if (link.seq != last_.seq + 1) {
            problem(link.seq, "", "link_missing",
                    "links " + std::to_string(last_.seq + 1) + " to " + std::to_string(link.seq - 1) + " are gone");
        } else if (link.prev_hash != last_.row_hash) {
            problem(link, "chain_broken", "the link does not follow from the one before");
        }
    }

    void genesis(const Link& link) {
        report_.ledger_id = link.ref;
        if (link.seq != 1 || link.digest != genesis_digest(link.ref))
            problem(link, "genesis_wrong", "the first link is not the one this ledger began with");
    }

    void intent(const Link& link, const RunRow* run) {
        ++report_.runs;
        open_[link.ref] = {link.seq, false};
        if (run == nullptr) return problem(link, "row_missing", "the run was removed");
        bool moved = run->id != link.seq || run->prev_hash != link.prev_hash || run->row_hash != link.row_hash;
        if (moved) problem(link, "row_moved", "the run's id or hashes are not those of its link");
        if (intent_digest(*run) != link.digest)
            problem(link, "row_edited", "what the run was meant to do differs from what was recorded");
        bool touched = run->finished_at || run->result || run->result_hash || run->error || run->halt_reason ||
                       run->http_status || run->duration_ms || run->status != to_text(RunStatus::running);
        open_[link.ref].second = touched;
    }

    void outcome(const Link& link, const RunRow* run) {
        if (open_.erase(link.ref) == 0)
            problem(link, "outcome_unfounded", "an outcome for a run that did not begin, or a second one");
        if (run == nullptr) return;  // told at its intent
        if (outcome_digest(*run) != link.digest)
            problem(link, "row_edited", "how the run ended differs from what was recorded");
    }

    void event(const Link& link, const EventRow* event) {
        ++report_.events;
        if (event == nullptr) return problem(link, "row_missing", "the event was removed");
        bool moved = event->id != link.seq || event->prev_hash != link.prev_hash || event->row_hash != link.row_hash;
        if (moved) problem(link, "row_moved", "the event's id or hashes are not those of its link");
        if (event_digest(*event) != link.digest)
            problem(link, "row_edited", "the event differs from what was recorded");
    }

    void check_end(const std::optional<Head>& head, std::int64_t high_water) {
        if (report_.links == 0) problem(1, "", "genesis_wrong", "the chain has no link at all");
        if (high_water != last_.seq)
            problem(last_.seq, "", "tail_cut",
                    "the database gave out link " + std::to_string(high_water) + ", the chain ends at " +
                        std::to_string(last_.seq));
        if (!head) return problem(0, "", "head_wrong", "the head row is gone");
        if (head->seq > last_.seq)
            problem(last_.seq, "", "tail_cut",
                    "the head is at link " + std::to_string(head->seq) + ", the chain ends at " +
                        std::to_string(last_.seq));
        else if (head->seq != last_.seq || head->row_hash != last_.row_hash || head->ledger_id != report_.ledger_id)
            problem(head->seq, "", "head_wrong", "the head row is not the chain's last link");
    }

    void problem(const Link& link, std::string kind, std::string detail) {
        problem(link.seq, link.ref, std::move(kind), std::move(detail));
    }

    void problem(std::int64_t seq, std::string ref, std::string kind, std::string detail) {
        ++report_.problem_count;
        if (report_.problems.size() < VerifyReport::kMaxProblems)
            report_.problems.push_back({seq, std::move(ref), std::move(kind), std::move(detail)});
    }

    VerifyReport report_;
    Link last_{0, {}, {}, {}, {}, std::string(64, '0')};
    /// Runs without an outcome so far: seq of the intent, and whether the row
    /// already shows an end. Most leave again soon, so this stays small.
    std::unordered_map<std::string, std::pair<std::int64_t, bool>> open_;
};

}  // namespace

Result<VerifyReport> verify(Snapshot& snapshot) {
    Verifier verifier;
    auto head = snapshot.head();
    if (!head) return fail(head.error());
    auto high_water = snapshot.high_water();
    if (!high_water) return fail(high_water.error());
    auto links = snapshot.each_link(
        [&](const Link& link, const RunRow* run, const EventRow* event) { verifier.link(link, run, event); });
    if (!links) return fail(links.error());
    auto runs = snapshot.each_unlinked_run([&](const RunRow& row) { verifier.unlinked_run(row); });
    if (!runs) return fail(runs.error());
    auto events = snapshot.each_unlinked_event([&](const EventRow& row) { verifier.unlinked_event(row); });
    if (!events) return fail(events.error());
    return verifier.finish(*head, *high_water);
}

Result<VerifyReport> verify(const std::string& path) {
    auto store = SqliteStore::open_read_only(path);
    if (!store) return fail(store.error());
    auto snapshot = (*store)->snapshot();
    if (!snapshot) return fail(snapshot.error());
    return verify(**snapshot);
}

}  // namespace acp::ledger
