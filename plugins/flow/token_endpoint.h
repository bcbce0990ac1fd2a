// flow: asking an upstream's token endpoint (RFC 6749 section 3.2). No message
// that leaves it holds a secret, or words of the upstream that are not in the
// registry of OAuth errors.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "alphaswarm-cp/sdk/auth_flow.hpp"
#include "flow/form.h"
#include "flow/json.h"

namespace acp::flow {

/// An https address, or http on loopback: secrets go there. Throws Failure, ACP_E_INVALID, with `where`.
std::string checked_url(std::string url, std::string_view where);

/// How this server proves itself to an upstream.
struct Credentials {
    enum class By { secret_post, secret_basic, assertion, held_assertion } by = By::secret_post;
    std::string client_id;
    std::string client_secret;       ///< of held_assertion: the assertion, which somebody else signed
    std::string assertion_key;       ///< of the host's; empty: its own
    std::string assertion_audience;  ///< empty: the endpoint
};

struct TokenEndpoint {
    std::string url;
    std::string ca_file;  ///< empty: the system's trust
    Credentials credentials;
    std::uint64_t answer_bytes = 256U << 10;  ///< what is longer fails with ACP_E_EXHAUSTED
};

/// POSTs `params` with the credentials as a form; the answer whatever its status, no
/// redirect followed. Throws Failure as the host's client does, an answer that is late as
/// ACP_E_UNAVAILABLE.
sdk::HttpReply post_form(const sdk::Host& host, const sdk::HostIdentity& identity, const sdk::Call& call,
                         const TokenEndpoint& endpoint, Pairs params);

/// The word, or "another error" for one that no standard knows: what may be repeated in a message.
std::string known_error(const std::string& word);

/// Sends `params` with the credentials and gives the answer's access_token,
/// token_type, expires_in and scope, nothing else of it. Throws Failure:
/// ACP_E_DENIED with {"upstream_error":..} for a 4xx, ACP_E_UNAVAILABLE for 5xx, 429
/// and no answer in time, ACP_E_PROVIDER for one that is no token, ACP_E_CANCELLED.
Json ask_for_token(const sdk::Host& host, const sdk::HostIdentity& identity, const sdk::Call& call,
                   const TokenEndpoint& endpoint, Pairs params);

/// The refusal that a 4xx of an upstream becomes; rethrows what is none.
sdk::Decision refusal_of(const sdk::Failure& failure);

}  // namespace acp::flow
