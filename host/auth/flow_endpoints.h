// auth: the endpoints that auth flows bring. The host reads the request, proves
// client and session, asks the flow, and carries out what it decides.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "auth/client_auth.h"
#include "auth/granting.h"
#include "auth/services.h"
#include "base/result.h"
#include "dispatch/route.h"
#include "http/path.h"
#include "http/response.h"

namespace acp::auth {

/// [any-thread]
class FlowEndpoints {
public:
    FlowEndpoints(const Services& services, ClientAuthenticator& clients, const Granting& granting)
        : services_(services), clients_(clients), granting_(granting) {}

    /// One request to an endpoint of a flow. [may-block]
    http::Response serve(const dispatch::Context& context, const std::string& alias, const std::string& operation_id);

    /// The token endpoint for a grant type that flows offer: asks those that do until one
    /// does not pass. `form` is without the client's proof. Errors: `unsupported_grant_type`,
    /// and whatever the flow refuses. [may-block]
    Result<http::Response> token(const dispatch::Context& context, const ProvenClient& client, const http::Query& form,
                                 const std::string& grant_type);

private:
    /// A request on its way to a flow.
    struct Step {
        const dispatch::Context& context;
        const Flow& flow;
        const plugins::AuthEndpoint& endpoint;
        http::Query params;
        std::string body_json;
        std::optional<ProvenClient> client;
        std::string key_thumbprint;
        std::optional<BrowserSession> session;
        std::string state_json;
        std::string next_state;  ///< for a redirect that this step may end with
    };
    Result<http::Response> try_serve(const dispatch::Context& context, const Flow& flow, const plugins::AuthEndpoint& endpoint);
    Result<void> read(Step& step) const;
    Result<std::optional<http::Response>> admit_browser(Step& step) const;
    Result<void> limit_guesses(const dispatch::Context& context) const;
    Result<void> prove_client(Step& step);
    Result<void> admit_grant(Step& step) const;
    Result<plugins::AuthDecision> ask(const Step& step) const;

    Result<http::Response> carry_out(const Step& step, plugins::AuthDecision decision) const;
    Result<http::Response> grant(const Step& step, const plugins::AuthDecision& decision) const;
    Result<http::Response> forward(const Step& step, plugins::AuthDecision decision) const;
    http::Response refused(const Step& step, const plugins::AuthDecision& decision) const;
    Subject subject_of(const plugins::AuthIdentity& identity, const identity::Client& asking) const;

    const Services& services_;
    ClientAuthenticator& clients_;
    const Granting& granting_;
};

}  // namespace acp::auth
