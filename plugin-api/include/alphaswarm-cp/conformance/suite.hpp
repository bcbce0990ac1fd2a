// conformance: does a plugin keep what plugin.h and ext/*.h promise?
//
//   acp::conformance::Options options;
//   options.plugin_path = "build/memory_provider.so";
//   const auto report = acp::conformance::run(options);
//   std::cout << report.text();
//   return report.conformant() ? 0 : 1;
//
// Each check has an id that never changes, such as
// `provider.status.unknown_is_not_found`. The checks run in this process, so a
// plugin that crashes takes it along; `alphaswarm-cp plugin validate` runs the
// same checks in a process of their own.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "alphaswarm-cp/sdk/deployment.hpp"

namespace acp::conformance {

enum class Outcome {
    passed,
    failed,          ///< message, expected and found say how
    not_applicable,  ///< message says why
    quirk            ///< failed, and the plugin declares so: reason
};

/// "passed", "failed", "not_applicable" or "quirk".
const char* outcome_name(Outcome outcome) noexcept;

struct Result {
    std::string id;
    Outcome outcome = Outcome::passed;
    std::string message, expected, found;
    std::string reason;         ///< of the declared quirk, if there is one
    bool stale_quirk = false;   ///< declared, but it passed: remove the declaration
    std::chrono::milliseconds took{0};
};

struct CheckInfo {
    std::string id;
    std::string interface;  ///< interface id, or "entry"
    std::string needs;      ///< id of the check that must not have failed, or empty
    std::string title;      ///< what is promised, in one line
};

/// All checks in the order they run.
const std::vector<CheckInfo>& checks();

/// A workload that most providers can run: `command` is a shell that says "up"
/// and waits for its end. Its image is "conformance:1".
sdk::DeploymentSpec sample_workload();

struct Options {
    std::string plugin_path;
    std::string config_json = "{}";
    /// Holds the instances' state folders; must exist. Empty: a folder of the
    /// suite's own below the system's temporary one, removed at the end.
    std::string state_dir;
    sdk::DeploymentSpec sample = sample_workload();
    /// Check id -> reason. An id that names no check makes `run` throw.
    std::map<std::string, std::string> quirks;
    /// Interface ids, "entry" for the entry; empty: all that the plugin offers.
    /// The entry is always checked as far as the others need it.
    std::set<std::string> interfaces;
    /// How long a call may go on after its deadline or its cancellation, and a
    /// stream after its end.
    std::chrono::milliseconds patience{3000};
    /// More interfaces of the host, such as acp.host.http_client/1.
    std::map<std::string, const void*> host_tables;
    /// Minor version of the API that the host claims.
    uint32_t host_abi_minor = ACP_ABI_MINOR;
    /// For a runner that goes on in a new process: checks not to run, and
    /// those of them that failed.
    std::set<std::string> done, failed;
};

struct Report {
    std::vector<Result> results;

    std::size_t count(Outcome outcome) const;
    std::size_t stale_quirks() const;
    /// No check failed that is not declared as a quirk, and some were made.
    bool conformant() const;
    /// Counts and the verdict, two lines.
    std::string summary() const;
    /// A line a check, and the summary.
    std::string text() const;
};

/// One line without its end, such as "FAILED  entry.id: the id is malformed
/// (expected [a-z0-9.-]{1,64}, found "")".
std::string line_of(const Result& result);

struct Observer {
    std::function<void(const CheckInfo&)> on_start;
    std::function<void(const Result&)> on_result;
};

/// Runs the checks. Throws std::invalid_argument for options that make no
/// sense. One run at a time in a process, and one plugin: it is never unloaded.
Report run(const Options& options, const Observer& observer = {});

/// Turns a failure into a quirk where one is declared, and marks stale ones.
void apply_quirk(Result& result, const std::map<std::string, std::string>& quirks);

}  // namespace acp::conformance
