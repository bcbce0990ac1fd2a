// app: the process that runs conformance checks, seen from both ends. The
// parent writes one request to descriptor 3, the child answers with events, one
// JSON object a line.
#pragma once

#include <chrono>
#include <functional>

#include "alphaswarm-cp/conformance/suite.hpp"
#include "base/result.h"

namespace acp::app {

struct Limits {
    std::chrono::seconds check;  ///< longest a single check may last
    std::chrono::seconds whole;  ///< and all of them
};

/// Runs the checks in children of this process, a new one after each crash,
/// and takes every process that they leave behind with them. `on_result` hears
/// each verdict as it comes. Fails when no child can be made.
Result<conformance::Report> run_checks(const conformance::Options& options, Limits limits,
                                       const std::function<void(const conformance::Result&)>& on_result);

/// The child's side. Its exit code, if the plugin lets it come to that.
int checks_child();

}  // namespace acp::app
