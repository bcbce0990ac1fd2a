// app: what the plugin commands tell of a plugin, for people and as JSON.
#pragma once

#include <string>

#include "bundle/elf.h"
#include "bundle/open.h"
#include "json/json.h"

namespace acp::app {

/// The fault's fields as they stand in /manage/plugins.
json::Object::Ptr as_json(const Fault& fault);
/// path, verdict ("good" or "refused"), id, version, sha256, keys, fault.
json::Object::Ptr as_json(const bundle::Opened& opened);
/// Members named as in manifest.yaml.
json::Object::Ptr as_json(const bundle::Manifest& manifest);
json::Object::Ptr as_json(const bundle::ElfFacts& facts);

/// Several lines: message, expected, found, remedy.
std::string told(const Fault& fault);
/// Several lines for a manifest: its values, then a line for each file.
std::string told(const bundle::Manifest& manifest);
std::string told(const bundle::ElfFacts& facts);

/// "signed by KEY" or "not signed by a trusted key".
std::string vouched(const bundle::Opened& opened);

}  // namespace acp::app
