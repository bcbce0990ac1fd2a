// auth: an instance of acp.auth_flow/1 as the endpoints see it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "plugins/auth_step.h"
#include "plugins/call_scope.h"

namespace acp::auth {

struct Flow {
    std::string alias;
    std::vector<plugins::AuthEndpoint> endpoints;
    /// As plugins::AuthFlow::handle. [any-thread] [may-block]
    std::function<Result<plugins::AuthDecision>(const plugins::CallContext&, const plugins::AuthRequest&)> handle;
    /// Request fields that `authenticate` judges, in lower case; empty: none.
    std::vector<std::string> credential_fields = {};
    // As the members of plugins::AuthFlow with these names.
    std::function<Result<plugins::AuthDecision>(const plugins::CallContext&, const plugins::AuthRequest&)> authenticate = {};
    std::function<Result<plugins::AuthDecision>(const plugins::CallContext&, const plugins::AuthSession&)> renew = {};
    std::function<Result<void>(const plugins::CallContext&, const plugins::AuthSession&)> ended = {};
};

}  // namespace acp::auth
