#include "oidc/back_channel.h"

#include <chrono>

#include "oidc/url.h"

namespace acp::oidc {

using flow::Json;

namespace {

constexpr std::uint64_t kAnswerBytes = 64U << 10;
constexpr std::chrono::seconds kPatience{5};

std::int64_t monotonic_now_ns() {
    return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// The caller's call with an end of its own that is near: a provider that sends a byte now
/// and then would otherwise have as long as the caller.
class SoonerCall {
public:
    explicit SoonerCall(const sdk::Call& outer) : outer_(outer), raw_(sdk::whole(outer.raw())) {
        raw_.struct_size = sizeof raw_;
        raw_.ctx = this;
        const std::int64_t soon = monotonic_now_ns() + std::chrono::nanoseconds(kPatience).count();
        if (raw_.deadline_mono_ns == 0 || raw_.deadline_mono_ns > soon) raw_.deadline_mono_ns = soon;
        raw_.cancelled = [](const acp_call* raw) -> int32_t {
            return static_cast<const SoonerCall*>(raw->ctx)->outer_.cancelled() ? 1 : 0;
        };
        raw_.log = [](const acp_call* raw, int32_t level, acp_str message) {
            static_cast<const SoonerCall*>(raw->ctx)->outer_.log(level, sdk::view(message));
        };
    }
    SoonerCall(const SoonerCall&) = delete;
    SoonerCall& operator=(const SoonerCall&) = delete;
    sdk::Call call() const noexcept { return sdk::Call(&raw_); }

private:
    const sdk::Call& outer_;
    acp_call raw_;
};

void check_not_sent_away(const sdk::HttpReply& reply) {
    if (reply.status >= 300 && reply.status < 400)
        throw sdk::Failure(ACP_E_PROVIDER, "the identity provider answers with a redirect, which is not followed");
}

[[noreturn]] void rethrow_late(const sdk::Failure& failure) {
    if (failure.status() != ACP_E_DEADLINE) throw failure;
    throw sdk::Failure(ACP_E_UNAVAILABLE, "the identity provider does not answer in time", true);
}

}  // namespace

std::int64_t unix_now_s(const sdk::Host& host) {
    if (!host.clock()) throw sdk::Failure(ACP_E_UNSUPPORTED, "this host has no clock");
    return host.clock()->unix_ns() / 1'000'000'000;
}

Json BackChannel::get(const sdk::Call& call, const std::string& url, const std::string& ca_file) const {
    sdk::HttpRequest request;
    request.url = url;
    request.fields = {{"Accept", "application/json"}};
    request.max_body_bytes = kAnswerBytes;
    request.tls.ca_file = ca_file;
    const SoonerCall sooner(call);
    sdk::HttpReply reply;
    try {
        reply = host_.http(sooner.call(), request);
    } catch (const sdk::Failure& failure) {
        rethrow_late(failure);
    }
    check_not_sent_away(reply);
    const std::string status = std::to_string(reply.status);
    if (reply.status >= 500 || reply.status == 429)
        throw sdk::Failure(ACP_E_UNAVAILABLE, "the identity provider cannot answer now (" + status + ")", true);
    Json answer = reply.status == 200 ? flow::object_or_null(reply.body) : Json();
    if (!answer.is_object()) throw sdk::Failure(ACP_E_PROVIDER, "the identity provider's metadata cannot be read (" + status + ")");
    return answer;
}

sdk::HttpReply BackChannel::post(const sdk::Call& call, const Provider& provider, flow::Credentials::By by, const std::string& url,
                                 flow::Pairs params) const {
    flow::TokenEndpoint endpoint{url, provider.ca_file, provider.credentials, kAnswerBytes};
    endpoint.credentials.by = by;
    const SoonerCall sooner(call);
    sdk::HttpReply reply = flow::post_form(host_, identity_, sooner.call(), endpoint, std::move(params));
    check_not_sent_away(reply);
    return reply;
}

bool is_json(const sdk::HttpReply& reply) {
    std::string type = lowered(reply.field("content-type").substr(0, reply.field("content-type").find(';')));
    while (type.ends_with(' ')) type.pop_back();
    return type == "application/json";
}

void fail_for(const Provider& provider, const sdk::HttpReply& reply) {
    const std::string status = std::to_string(reply.status);
    if (reply.status >= 500 || reply.status == 429 || reply.status == 408)
        throw sdk::Failure(ACP_E_UNAVAILABLE, "the identity provider " + provider.id + " cannot answer now (" + status + ")", true);
    const std::string error = is_json(reply) ? flow::text(flow::object_or_null(reply.body), "error") : std::string();
    if (error.empty() || reply.status < 400)
        throw sdk::Failure(ACP_E_PROVIDER, "the identity provider " + provider.id + " gives an answer that cannot be read (" + status + ")");
    const std::string word = flow::known_error(error);
    throw sdk::Failure(ACP_E_DENIED, "the identity provider " + provider.id + " refuses this server (" + status + ", " + word + ")")
        .details(Json{{"upstream_error", word}}.dump());
}

bool is_invalid_grant(const sdk::Failure& failure) {
    return failure.status() == ACP_E_DENIED &&
           flow::text(flow::object_or_null(failure.details_json()), "upstream_error") == "invalid_grant";
}

}  // namespace acp::oidc
