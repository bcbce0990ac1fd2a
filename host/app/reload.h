// app: what a changed configuration means for a running server.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace acp::app {

/// Keys that differ and that only a restart brings into effect. The others
/// (log.level, server.tls) are applied while the server runs.
std::vector<std::string> restart_needed(const config::Config& running, const config::Config& fresh);

}  // namespace acp::app
