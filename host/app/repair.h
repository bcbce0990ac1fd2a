// app: what a crash left behind in the ledger.
#pragma once

#include <cstddef>

#include "ledger/ledger.h"
#include "plugins/catalogue.h"

namespace acp::app {

/// Ends every run that an earlier process left open as `failed: interrupted`,
/// with what its provider now says about the workload. Gives their number.
std::size_t repair_interrupted(ledger::Ledger& ledger, const plugins::Catalogue& catalogue);

}  // namespace acp::app
