#include "app/device_login.h"

#include <Poco/URI.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "client/ask.h"
#include "identity/discovery.h"
#include "json/json.h"

namespace acp::app {

namespace {

constexpr const char* kGrant = "urn:ietf:params:oauth:grant-type:device_code";
constexpr std::int64_t kInterval_s = 5;  // RFC 8628 section 3.2: when the server names none
constexpr std::int64_t kSlower_s = 5;    // section 3.5
constexpr std::int64_t kIntervalMost_s = 60;

using Form = std::vector<std::pair<std::string, std::string>>;

std::string encoded(const Form& form) {
    std::string out;
    for (const auto& [name, value] : form) {
        if (value.empty()) continue;
        if (!out.empty()) out += '&';
        out += name + '=';
        Poco::URI::encode(value, "!*'();:@&=+$,/?#[]", out);
    }
    return out;
}

struct Answered {
    int status = 0;
    json::Object::Ptr body;
};

Result<Answered> post(const DeviceLogin& login, const std::string& url, const Form& form) {
    auto reply = client::ask({.url = url,
                              .method = "POST",
                              .fields = {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}},
                              .body = encoded(form),
                              .ca_file = login.ca_file});
    if (!reply) return fail(reply.error());
    auto body = json::parse_object(reply->body);
    wipe(reply->body);
    if (reply->status >= 500 || !body)
        return fail(Code::unavailable, "bad_answer", url + " answered " + std::to_string(reply->status) + ", which is no answer of OAuth");
    return Answered{reply->status, *body};
}

/// The member of the server's metadata; secrets go there, so it is judged as an address of keys is.
Result<std::string> endpoint_of(const json::Object::Ptr& metadata, const std::string& issuer, const char* name) {
    const std::string url = json::text_or(metadata, name);
    if (url.empty()) return fail(Code::unsupported, "no_device_flow", issuer + " has no " + name + ": its auth flow acp.device is not configured");
    if (auto allowed = identity::check_key_url(url, issuer); !allowed) return fail(allowed.error());
    return url;
}

Error refusal_of(const Answered& answer) {
    const std::string code = json::text_or(answer.body, "error");
    Error e;
    e.code = code == "access_denied" ? Code::forbidden : code == "expired_token" ? Code::deadline : Code::unauthenticated;
    e.slug = code;
    e.message = "the server refuses: " + (code.empty() ? "status " + std::to_string(answer.status) : code);
    if (const std::string why = json::text_or(answer.body, "error_description"); !why.empty()) e.message += " (" + why + ")";
    return e;
}

Error too_late() {
    Error e;
    e.code = Code::deadline;
    e.slug = "expired_token";
    e.message = "nobody approved in time; begin anew";
    return e;
}

class Poll {
public:
    Poll(const DeviceLogin& login, std::string url, const json::Object::Ptr& started)
        : login_(login), url_(std::move(url)), device_code_(json::text_or(started, "device_code")),
          interval_s_(std::clamp(started->optValue<std::int64_t>("interval", kInterval_s), std::int64_t{1}, kIntervalMost_s)),
          until_s_(now_s() + started->optValue<std::int64_t>("expires_in", 0)) {}
    ~Poll() { wipe(device_code_); }
    Poll(const Poll&) = delete;
    Poll& operator=(const Poll&) = delete;

    Result<LoginToken> run(const std::function<void(std::chrono::seconds)>& sleep) {
        while (now_s() < until_s_) {
            sleep(std::chrono::seconds(interval_s_));
            auto answer = post(login_, url_, {{"grant_type", kGrant}, {"device_code", device_code_}, {"client_id", login_.client_id}});
            if (!answer) {
                // An outage is no decision (section 3.5): ask more seldom, and go on.
                interval_s_ = std::min(interval_s_ * 2, kIntervalMost_s);
                continue;
            }
            if (answer->status == 200) return token_of(answer->body);
            const std::string error = json::text_or(answer->body, "error");
            if (error == "slow_down") interval_s_ = std::min(interval_s_ + kSlower_s, kIntervalMost_s);
            if (error != "slow_down" && error != "authorization_pending" && error != "temporarily_unavailable") return fail(refusal_of(*answer));
        }
        return fail(too_late());
    }

private:
    static std::int64_t now_s() { return monotonic_ns() / 1'000'000'000; }

    static Result<LoginToken> token_of(const json::Object::Ptr& body) {
        LoginToken out;
        out.access_token = json::text_or(body, "access_token");
        out.scope = json::text_or(body, "scope");
        out.expires_unix_s = unix_ns() / 1'000'000'000 + body->optValue<std::int64_t>("expires_in", 0);
        if (out.access_token.empty() || json::text_or(body, "token_type") != "Bearer")
            return fail(Code::provider_error, "bad_answer", "the server's answer holds no bearer token");
        return out;
    }

    const DeviceLogin& login_;
    const std::string url_;
    std::string device_code_;
    std::int64_t interval_s_;
    const std::int64_t until_s_;
};

}  // namespace

Result<LoginToken> log_in_by_device(const DeviceLogin& login, const DeviceSurroundings& around) {
    const std::string issuer = login.server + "/auth";
    auto metadata = identity::discover(issuer, login.ca_file, identity::fetch_document);
    if (!metadata) return fail(metadata.error());
    auto start_url = endpoint_of(*metadata, issuer, "device_authorization_endpoint");
    if (!start_url) return fail(start_url.error());
    auto token_url = endpoint_of(*metadata, issuer, "token_endpoint");
    if (!token_url) return fail(token_url.error());

    auto started = post(login, *start_url, {{"client_id", login.client_id}, {"scope", login.scope}});
    if (!started) return fail(started.error());
    if (started->status != 200) return fail(refusal_of(*started));
    Poll poll(login, *token_url, started->body);
    around.show({json::text_or(started->body, "verification_uri"), json::text_or(started->body, "verification_uri_complete"),
                 json::text_or(started->body, "user_code"), started->body->optValue<std::int64_t>("expires_in", 0)});
    return poll.run(around.sleep);
}

}  // namespace acp::app
