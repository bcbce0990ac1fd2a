// plugins: the host as plugins see it.
#pragma once

#include "alphaswarm-cp/plugin.h"

namespace acp::plugins {

/// Static; the tables behind it too.
const acp_host& host_api() noexcept;

}  // namespace acp::plugins
