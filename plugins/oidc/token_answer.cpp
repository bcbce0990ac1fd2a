#include "oidc/token_answer.h"

#include <algorithm>
#include <utility>

#include "oidc/url.h"

namespace acp::oidc {

using flow::Json;
using flow::text;

namespace {

/// Of a member that may be missing, but is text when it is there.
bool is_text_or_missing(const Json& answer, const char* name) {
    const auto at = answer.find(name);
    return at == answer.end() || at->is_null() || at->is_string();
}

}  // namespace

Tokens ask_for_tokens(const sdk::Call& call, const BackChannel& back_channel, const Provider& provider,
                      const Metadata& metadata, flow::Pairs params) {
    const sdk::HttpReply reply = back_channel.post(call, provider, metadata.client_auth, metadata.token_endpoint, std::move(params));
    if (reply.status != 200) fail_for(provider, reply);
    const Json answer = is_json(reply) ? flow::object_or_null(reply.body) : Json();
    Tokens out{text(answer, "access_token"), text(answer, "id_token"), text(answer, "refresh_token"),
               std::max<std::int64_t>(flow::integer(answer, "expires_in", 0), 0)};
    if (out.access_token.empty() || lowered(text(answer, "token_type")) != "bearer" || !is_text_or_missing(answer, "id_token") ||
        !is_text_or_missing(answer, "refresh_token"))
        throw sdk::Failure(ACP_E_PROVIDER, "the identity provider " + provider.id + " gives an answer without bearer tokens");
    return out;
}

}  // namespace acp::oidc
