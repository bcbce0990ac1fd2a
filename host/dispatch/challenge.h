// dispatch: what a refused caller is told to come back with (the field WWW-Authenticate).
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "dispatch/route.h"

namespace acp::dispatch {

/// The challenge for a refusal on `route`: RFC 6750 section 3, RFC 9449 section 7.1 for a caller
/// that came with DPoP, RFC 9470 section 3 where the route names an acr. A caller without a
/// token is told no error code.
std::string challenge(const Error& error, const Route& route, bool by_dpop, std::int64_t step_up_max_age_s);

}  // namespace acp::dispatch
