// manage: a workload's configuration as clients see it.
#pragma once

#include <string>

#include "base/result.h"
#include "json/json.h"
#include "redact/redactor.h"

namespace acp::manage {

/// What a provider gave as {"env":{},"files":{}}, without secrets: whoever may
/// read a configuration need not know the passwords in it.
Result<json::Object::Ptr> shown_config(const redact::Redactor& redactor, const std::string& text);

/// Refuses a patch that holds the placeholder of a hidden value: a client that
/// sends back what it was shown would put it in the place of the secret.
Result<void> check_no_placeholder(const json::Object::Ptr& patch);

}  // namespace acp::manage
