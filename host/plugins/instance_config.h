// plugins: what every kind of instance needs before it is made.
#pragma once

#include <string>

#include "plugins/library.h"
#include "plugins/record.h"

namespace acp::plugins {

/// Fills `fault` and gives false, so that a check reads as one line.
bool refuse(Fault& fault, std::string stage, std::string message, std::string expected, std::string found, std::string remedy);

/// Checks an instance's config against the schema in the plugin's entry.
bool check_config(const Library& library, const std::string& config_json, Fault& fault);

}  // namespace acp::plugins
