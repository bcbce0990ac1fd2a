#include "alphaswarm-cp/conformance/suite.hpp"

#include <algorithm>
#include <stdexcept>

#include "bench.h"
#include "text.h"

namespace acp::conformance {

namespace {

const std::vector<Check>& all_checks() {
    static const std::vector<Check> all = [] {
        std::vector<Check> list;
        for (const auto* part :
             {&entry_checks(), &provider_config_checks(), &provider_answer_checks(), &provider_lifecycle_checks(),
              &provider_call_checks(), &health_checks(), &logs_checks(), &exec_checks(), &provider_load_checks(),
              &routes_checks(), &routes_load_checks(), &flow_checks(), &flow_load_checks(), &deinit_checks()})
            list.insert(list.end(), part->begin(), part->end());
        return list;
    }();
    return all;
}

/// Of the interfaces that are wanted, and what those checks stand on.
std::set<std::string> chosen_checks(const Options& options) {
    std::set<std::string> ids;
    const auto& all = all_checks();
    // Needs come earlier in the list.
    for (auto at = all.rbegin(); at != all.rend(); ++at)
        if (options.interfaces.empty() || options.interfaces.contains(at->interface) || ids.contains(at->id)) {
            ids.insert(at->id);
            ids.insert(at->needs);
        }
    return ids;
}

/// `id` and what it needs, of which the first that failed decides.
std::string failed_need(const Check& check, const std::set<std::string>& failed) {
    std::string need = check.needs;
    while (!need.empty()) {
        if (failed.contains(need)) return need;
        const auto& all = all_checks();
        const auto at = std::find_if(all.begin(), all.end(), [&](const Check& c) { return need == c.id; });
        need = at == all.end() ? "" : at->needs;
    }
    return {};
}

void judge(const Check& check, Bench& bench, Result& result) {
    const auto failed = [&](std::string message, std::string expected, std::string found) {
        result.outcome = Outcome::failed;
        result.message = printable(std::move(message));
        result.expected = printable(std::move(expected));
        result.found = printable(std::move(found));
    };
    try {
        // Behind the gates of the entry, an interface that is not offered is no fault.
        if (std::string_view(check.interface) != "entry" && !bench.interface(check.interface))
            not_applicable(std::string("the plugin does not offer ") + check.interface);
        check.run(bench);
    } catch (Failed& f) {
        failed(std::move(f.message), std::move(f.expected), std::move(f.found));
    } catch (NotApplicable& n) {
        result.outcome = Outcome::not_applicable;
        result.message = std::move(n.why);
    } catch (const CrossedBoundary& e) {
        failed(e.what(), "no exception crosses the boundary", "an exception");
    } catch (const std::exception& e) {
        failed(e.what(), "the check to run to its end", "an exception");
    }
}

}  // namespace

const char* outcome_name(Outcome outcome) noexcept {
    switch (outcome) {
        case Outcome::passed: return "passed";
        case Outcome::failed: return "failed";
        case Outcome::not_applicable: return "not_applicable";
        case Outcome::quirk: return "quirk";
    }
    return "failed";
}

const std::vector<CheckInfo>& checks() {
    static const std::vector<CheckInfo> all = [] {
        std::vector<CheckInfo> list;
        for (const auto& c : all_checks()) list.push_back({c.id, c.interface, c.needs, c.title});
        return list;
    }();
    return all;
}

sdk::DeploymentSpec sample_workload() {
    sdk::DeploymentSpec spec;
    spec.service_id = "conformance";
    spec.image = "conformance:1";
    spec.command = {"/bin/sh", "-c", "trap 'exit 0' TERM; i=0; while [ $i -lt 50 ]; do echo up $i; i=$((i+1)); done; echo oops >&2; while true; do sleep 0.1; done"};
    spec.spec_hash = "conformance-1";
    return spec;
}

void apply_quirk(Result& result, const std::map<std::string, std::string>& quirks) {
    const auto at = quirks.find(result.id);
    if (at == quirks.end()) return;
    result.reason = at->second;
    if (result.outcome == Outcome::failed) result.outcome = Outcome::quirk;
    result.stale_quirk = result.outcome == Outcome::passed;
}

Report run(const Options& options, const Observer& observer) {
    const auto& all = all_checks();
    for (const auto& [id, reason] : options.quirks) {
        if (std::none_of(all.begin(), all.end(), [&id = id](const Check& c) { return id == c.id; }))
            throw std::invalid_argument("a quirk is declared for \"" + id + "\", but there is no such check");
        if (reason.empty()) throw std::invalid_argument("the quirk \"" + id + "\" has no reason");
    }
    const auto chosen = chosen_checks(options);
    Bench bench(options);
    Report report;
    std::set<std::string> failed = options.failed;
    for (const auto& check : all) {
        if (options.done.contains(check.id) || !chosen.contains(check.id)) continue;
        const CheckInfo info{check.id, check.interface, check.needs, check.title};
        if (observer.on_start) observer.on_start(info);
        Result result;
        result.id = check.id;
        const auto start = std::chrono::steady_clock::now();
        if (const std::string need = failed_need(check, failed); need.empty()) {
            judge(check, bench, result);
        } else {
            result.outcome = Outcome::not_applicable;
            result.message = need + " failed";
        }
        result.took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
        if (result.outcome == Outcome::failed) failed.insert(result.id);
        apply_quirk(result, options.quirks);
        if (observer.on_result) observer.on_result(result);
        report.results.push_back(std::move(result));
    }
    return report;
}

std::size_t Report::count(Outcome outcome) const {
    return static_cast<std::size_t>(
        std::count_if(results.begin(), results.end(), [&](const Result& r) { return r.outcome == outcome; }));
}

std::size_t Report::stale_quirks() const {
    return static_cast<std::size_t>(
        std::count_if(results.begin(), results.end(), [](const Result& r) { return r.stale_quirk; }));
}

bool Report::conformant() const {
    return count(Outcome::failed) == 0 && count(Outcome::passed) > 0;
}

std::string Report::summary() const {
    std::string out = std::to_string(count(Outcome::passed)) + " passed, " + std::to_string(count(Outcome::failed)) + " failed, " +
           std::to_string(count(Outcome::not_applicable)) + " not applicable, " +
           std::to_string(count(Outcome::quirk)) + " declared quirks, " + std::to_string(stale_quirks()) + " stale\n";
    return out + (conformant() ? "conformant\n" : "NOT conformant\n");
}

std::string Report::text() const {
    std::string out;
    for (const auto& result : results) out += line_of(result) + "\n";
    return out + summary();
}

std::string line_of(const Result& result) {
    switch (result.outcome) {
        case Outcome::passed:
            return "passed  " + result.id +
                   (result.stale_quirk ? "  STALE QUIRK, remove its declaration: " + result.reason : "");
        case Outcome::not_applicable: return "n/a     " + result.id + ": " + result.message;
        case Outcome::failed:
        case Outcome::quirk: break;
    }
    return std::string(result.outcome == Outcome::failed ? "FAILED  " : "quirk   ") + result.id + ": " +
           (result.reason.empty() ? "" : "declared: " + result.reason + "; ") + result.message + " (expected " +
           result.expected + ", found " + result.found + ")";
}

}  // namespace acp::conformance
