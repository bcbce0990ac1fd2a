// config: the checked document as structs.
#pragma once

#include "config/config.h"
#include "json/json.h"

namespace acp::config {

/// `value` has passed check(). `file` is where relative paths start from; the
/// result lacks `origins`.
Config typed(const json::Var& value, const std::filesystem::path& file);

}  // namespace acp::config
