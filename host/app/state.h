// app: the store of short-lived values, from the configuration to the state room.
#pragma once

#include <memory>

#include "base/result.h"
#include "config/config.h"
#include "state/store.h"

namespace acp::app {

/// Does not wait for a database: one that is away makes the store unavailable, and
/// readiness tells of it. Errors name file, line and key.
Result<std::unique_ptr<state::Store>> open_state(const config::Config& config);

/// Whether that would succeed; makes no files.
Result<void> check_state(const config::Config& config);

}  // namespace acp::app
