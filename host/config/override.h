// config: keys set by the environment and the command line.
#pragma once

#include "config/document.h"
#include "config/load.h"

namespace acp::config {

/// Puts the value of every variable ALPHASWARM_CP_SECTION__KEY (in any letter
/// case, __ between levels) and then every option into the document. A list is
/// set as a whole, as a YAML flow value.
void apply_overrides(const Environment& environment, const Overrides& overrides, Document& document);

}  // namespace acp::config
