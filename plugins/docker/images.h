// docker: images, present or pulled.
#pragma once

#include <string>

#include "engine.h"

namespace acp::docker {

/// Makes sure that containers can be made from `image`, by the instance's pull
/// policy. Throws sdk::Failure: ACP_E_INVALID when it is missing and must not
/// be pulled, ACP_E_PROVIDER with the Engine's reason when the pull failed.
void ensure_image(Engine& engine, const sdk::Call& call, const std::string& image);

}  // namespace acp::docker
