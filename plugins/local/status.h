// local: from what is seen of the replicas to the status that is told.
#pragma once

#include <vector>

#include "record.h"
#include "replica.h"
#include "workload.h"

namespace acp::local {

/// `views`: every replica that has a folder.
sdk::DeploymentStatus describe(const Record& record, const std::vector<ReplicaView>& views, Activity activity);

}  // namespace acp::local
