// manage: puts the REST interface together.
#pragma once

#include "base/result.h"
#include "dispatch/router.h"
#include "manage/openapi.h"
#include "manage/services.h"

namespace acp::manage {

/// All routes of this version, and 501 for the parts of the contract that it
/// does not have. Fails when a route and the document disagree; what other rooms
/// mount is added beside, then OpenApi::check_all_mounted. `services` outlives the router.
Result<void> add_routes(dispatch::Router& router, OpenApi& api, const Services& services);

// One function for each resource.
Result<void> add_health_routes(dispatch::Router& router, OpenApi& api, const Services& services);
Result<void> add_workload_routes(dispatch::Router& router, OpenApi& api, const Services& services);
Result<void> add_stream_routes(dispatch::Router& router, OpenApi& api, const Services& services);
Result<void> add_run_routes(dispatch::Router& router, OpenApi& api, const Services& services);
Result<void> add_provider_routes(dispatch::Router& router, OpenApi& api, const Services& services);
/// Routes that plugins bring, below their mounts.
Result<void> add_mounted_routes(dispatch::Router& router, OpenApi& api, const Services& services);

}  // namespace acp::manage
