// docker: brings the containers of a workload to its desired state.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "containers.h"

namespace acp::docker {

/// Calls `each` for all of them on up to eight threads; the first exception
/// comes out when all are done.
void in_parallel(const std::vector<Container>& containers, const std::function<void(const Container&)>& each);

/// Makes `desired` real. New containers are made and started beside the old
/// ones, which go when all the new ones run; with fixed host ports the old
/// ones stop first. When that fails everything it made is removed, what it
/// started or stopped is put back, and the failure is thrown. Containers that a pass
/// before left half done are taken over or removed.
void converge(Engine& engine, Containers& containers, const sdk::Call& call, const Desired& desired);

}  // namespace acp::docker
