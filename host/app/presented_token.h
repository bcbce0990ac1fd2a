// app: a token that a command is given.
#pragma once

#include <string>

#include "base/result.h"

namespace acp::app {

/// `argument`, or what standard input has when that is "-": what stands in an
/// argument, every user of the machine can read while the command runs. White
/// space around it is no part of it; more than any token has is refused.
Result<std::string> presented_token(const std::string& argument);

}  // namespace acp::app
