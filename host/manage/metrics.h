// manage: what /manage/metrics shows, in Prometheus' text exposition format.
#pragma once

#include <string>

#include "manage/services.h"
#include "wire/engine.h"

namespace acp::manage {

std::string metrics_text(const Services& services);

/// The counters of all event loops, added up.
std::string wire_metrics_text(const wire::Engine& engine);

}  // namespace acp::manage
