// docker: the labels that mark our containers, and the body that makes one.
#pragma once

#include <string>

#include "desired.h"
#include "settings.h"

namespace acp::docker {

inline constexpr const char* kLabelManaged = "io.alphaswarm.cp.managed";
inline constexpr const char* kLabelAlias = "io.alphaswarm.cp.alias";
inline constexpr const char* kLabelService = "io.alphaswarm.cp.service";
inline constexpr const char* kLabelReplica = "io.alphaswarm.cp.replica";
inline constexpr const char* kLabelHash = "io.alphaswarm.cp.spec-hash";
inline constexpr const char* kLabelRevision = "io.alphaswarm.cp.revision";
inline constexpr const char* kLabelNamespace = "io.alphaswarm.cp.namespace";

/// Body of POST /containers/create.
std::string create_body(const Settings& settings, const Desired& desired, std::uint32_t replica);

}  // namespace acp::docker
