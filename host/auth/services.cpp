#include "auth/services.h"

#include "auth/oauth_error.h"

namespace acp::auth {

http::Response client_problem(const Services& services, const dispatch::Context& context, const Error& error) {
    http::Response response = oauth_problem(context, error);
    if (error.slug != "use_dpop_nonce") return response;
    if (auto nonce = services.trust.nonce(services.now_unix_s())) response.field("DPoP-Nonce", *nonce);
    return response;
}

}  // namespace acp::auth
