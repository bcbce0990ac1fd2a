// plugins: the host as one instance of an auth flow sees it: the one of all
// plugins, and acp.host.identity/1 under the instance's alias.
#pragma once

#include <memory>
#include <string>

#include "alphaswarm-cp/plugin.h"
#include "plugins/host_identity.h"

namespace acp::plugins {

/// `identity` null: get_interface gives NULL for it. Both outlive what is returned.
std::shared_ptr<const acp_host> flow_host(std::string alias, HostIdentity* identity);

}  // namespace acp::plugins
