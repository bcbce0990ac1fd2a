#include "flow.h"

#include <algorithm>

#include "flow/form.h"
#include "flow/json.h"
#include "pages.h"

namespace acp::device {

using flow::Json;
using sdk::Decision;

namespace {

constexpr const char* kGrant = "urn:ietf:params:oauth:grant-type:device_code";
constexpr std::int64_t kGraceSeconds = 120;    // an expired code is told as such for so long
constexpr std::int64_t kSlowerSeconds = 5;     // RFC 8628 section 3.5
constexpr std::int64_t kJitterMs = 500;        // a poll may come so much early: networks are not even
constexpr std::int64_t kIntervalMax = 300;
constexpr int kTries = 5;                      // against polls that write at the same time

constexpr const char* kUnknownCode = "This code is not known, has been used, or its time is over. Look at your device and type it again.";

constexpr const char* kStartOperation = R"({
  "description": "Begins a device authorization (RFC 8628 section 3.1).",
  "requestBody": {"required": true, "content": {"application/x-www-form-urlencoded": {"schema": {"type": "object", "properties": {
    "client_id": {"type": "string"}, "scope": {"type": "string", "maxLength": 4096}}}}}}
})";
constexpr const char* kPollOperation = R"({
  "description": "Asks for the token of a device authorization (RFC 8628 section 3.4): authorization_pending, slow_down, access_denied and expired_token are answers of status 400.",
  "requestBody": {"required": true, "content": {"application/x-www-form-urlencoded": {"schema": {"type": "object", "required": ["grant_type", "device_code"], "properties": {
    "grant_type": {"type": "string", "enum": ["urn:ietf:params:oauth:grant-type:device_code"]},
    "device_code": {"type": "string", "maxLength": 128}, "client_id": {"type": "string"}}}}}}
})";

}  // namespace

Flow::Flow(const sdk::Host& host, const sdk::InstanceConfig& config)
    : host_(host), identity_(host), settings_(read_settings(config.config_json)) {
    if (!host_.clock()) throw sdk::Failure(ACP_E_UNSUPPORTED, "this host has no clock");
}

std::vector<sdk::AuthEndpoint> Flow::endpoints() const {
    return {
        {"device-start", "POST", "/device/start", ACP_AUTH_INPUT_FORM, ACP_AUTH_NEEDS_CLIENT, "", "Begin a device authorization", kStartOperation},
        {"device-poll", "POST", "/device/poll", ACP_AUTH_INPUT_FORM, ACP_AUTH_NEEDS_CLIENT, kGrant, "The token of a device authorization",
         kPollOperation},
        {"device-page", "GET", "/device", ACP_AUTH_INPUT_QUERY, ACP_AUTH_NEEDS_SESSION | ACP_AUTH_HTML, "", "Where a person enters a device's code"},
        {"device-decide", "POST", "/device", ACP_AUTH_INPUT_FORM,
         ACP_AUTH_NEEDS_SESSION | ACP_AUTH_NEEDS_CSRF | ACP_AUTH_GUESSABLE | ACP_AUTH_HTML, "", "A person's code and decision"},
    };
}

Decision Flow::handle(const sdk::Call& call, const sdk::AuthRequest& request) {
    if (request.operation_id == "device-start") return start(call, request);
    if (request.operation_id == "device-poll") return poll(call, request);
    if (request.operation_id == "device-page") return code_page(request.param("user_code"), "");
    if (request.operation_id == "device-decide") return decide(call, request);
    return AuthFlow::handle(call, request);
}

std::int64_t Flow::now_ms() const {
    return host_.clock()->unix_ns() / 1'000'000;
}

Decision Flow::start(const sdk::Call& call, const sdk::AuthRequest& request) const {
    if (request.client_id.empty()) return Decision::refuse("invalid_client", "the client is not known");
    const Json client = flow::object_or_null(request.client_json);
    if (!flow::within({kGrant}, flow::texts(client, "grant_types")))
        return Decision::refuse("unauthorized_client", "the client is not registered for the device grant");
    auto scopes = flow::scopes_of(request.param("scope"));
    const auto may = flow::texts(client, "scopes");
    if (!scopes || !flow::within(*scopes, may)) return Decision::refuse("invalid_scope", "scope is malformed, or has more than the client may have");
    // The person has to see what is asked for, so nothing is left to a default.
    if (scopes->empty()) scopes = may;

    Record record;
    record.client_id = request.client_id;
    record.client_name = flow::text(client, "name");
    if (record.client_name.empty()) record.client_name = request.client_id;
    record.scopes = std::move(*scopes);
    record.audience = request.has_param("audience") ? request.param("audience") : request.param("resource");
    record.address = request.peer;
    record.expires_unix_ms = now_ms() + settings_.expires_s * 1000;
    record.interval_s = settings_.interval_s;
    const std::string device_code = identity_.state_put(call, record.json(), settings_.expires_s + kGraceSeconds);
    const std::string user_code = identity_.state_put_code(call, Json{{"device_code", device_code}}.dump(), settings_.expires_s);
    const std::string page = request.origin + "/auth/device";
    return Decision::respond(Json{{"device_code", device_code},
                                  {"user_code", user_code},
                                  {"verification_uri", page},
                                  {"verification_uri_complete", page + "?user_code=" + user_code},
                                  {"expires_in", settings_.expires_s},
                                  {"interval", settings_.interval_s}}
                                 .dump());
}

/// A code without a decision asks for one; the form that asks brings both back.
Decision Flow::decide(const sdk::Call& call, const sdk::AuthRequest& request) const {
    if (!request.session || request.session->subject.empty()) return Decision::refuse("access_denied", "log in first").http_status(401);
    const std::string user_code = request.param("user_code"), decision = request.param("decision");
    if (user_code.empty()) return code_page("", "Enter the code that your device shows.");
    if (shown_code(user_code).empty()) return code_page("", kUnknownCode);
    if (!decision.empty() && decision != "approve" && decision != "deny") return code_page(user_code, "Choose to approve or to deny.");
    const auto code = identity_.state_read(call, user_code);
    const Json kept = code ? flow::object_or_null(code->json) : Json();
    const std::string device_code = kept.is_object() ? flow::text(kept, "device_code") : std::string();
    // A device_code typed into the form is no user code.
    if (device_code.empty()) return code_page(user_code, kUnknownCode);
    const auto value = identity_.state_read(call, device_code);
    if (!value) return code_page(user_code, kUnknownCode);
    const Record record = Record::from(value->json);
    if (record.stage != Record::Stage::pending || record.expires_unix_ms <= now_ms()) return code_page(user_code, kUnknownCode);
    if (decision.empty()) return confirm_page(user_code, record);
    return conclude(call, request, user_code, device_code, decision == "approve");
}

Decision Flow::conclude(const sdk::Call& call, const sdk::AuthRequest& request, const std::string& user_code,
                        const std::string& device_code, bool approved) const {
    // Single use: of two people with one code one decides.
    if (!identity_.state_take(call, user_code)) return code_page("", kUnknownCode);
    for (int tried = 0; tried < kTries; ++tried) {
        const auto value = identity_.state_read(call, device_code);
        if (!value) break;
        Record record = Record::from(value->json);
        if (record.stage != Record::Stage::pending || record.expires_unix_ms <= now_ms()) break;
        record.stage = approved ? Record::Stage::approved : Record::Stage::denied;
        if (approved) record.approver = *request.session;
        if (!identity_.state_replace(call, device_code, value->version, record.json())) continue;  // a poll came between
        const std::string details = Json{{"client_id", record.client_id}, {"scopes", record.scopes}, {"device_address", record.address},
                                         {"subject", request.session->subject}, {"address", request.peer}}
                                        .dump();
        identity_.audit(call, approved ? "device.approve" : "device.deny", record.client_id, approved ? "granted" : "denied", details);
        return approved ? message_page("Device connected", "You approved " + record.client_name + ". You may close this page.")
                        : message_page("Device refused", "You denied " + record.client_name + ". You may close this page.");
    }
    return code_page("", kUnknownCode);
}

Decision Flow::poll(const sdk::Call& call, const sdk::AuthRequest& request) const {
    if (request.param("grant_type") != kGrant)
        return request.has_param("grant_type") ? Decision::refuse("unsupported_grant_type", std::string("grant_type is ") + kGrant + " here")
                                               : Decision::refuse("invalid_request", "grant_type is missing");
    if (request.client_id.empty()) return Decision::refuse("invalid_client", "the client is not known");
    const std::string device_code = request.param("device_code");
    if (device_code.empty()) return Decision::refuse("invalid_request", "device_code is missing");
    const Decision unknown = Decision::refuse("invalid_grant", "the device_code is not known, or has been used");
    const auto value = identity_.state_read(call, device_code);
    const Json kept = value ? flow::object_or_null(value->json) : Json();
    // What lies under a user code has no stage: a client cannot poll with one.
    if (!kept.is_object() || !kept.contains("stage")) return unknown;
    const Record record = Record::from(value->json);
    if (record.client_id != request.client_id) return unknown;
    if (record.expires_unix_ms <= now_ms()) return Decision::refuse("expired_token", "the time to approve is over; begin anew");
    if (record.stage == Record::Stage::pending) return pending(call, device_code, record, value->version);
    return finish(call, request, device_code);
}

Decision Flow::pending(const sdk::Call& call, const std::string& device_code, Record record, std::uint64_t version) const {
    const std::int64_t now = now_ms();
    const bool early = record.polled_unix_ms != 0 && now - record.polled_unix_ms < record.interval_s * 1000 - kJitterMs;
    if (early) record.interval_s = std::min(record.interval_s + kSlowerSeconds, kIntervalMax);
    record.polled_unix_ms = now;
    // When somebody else wrote meanwhile, the next poll will see it.
    identity_.state_replace(call, device_code, version, record.json());
    if (early) return Decision::refuse("slow_down", "wait " + std::to_string(record.interval_s) + " s between polls").http_status(400);
    return Decision::refuse("authorization_pending", "the person has not decided yet").http_status(400);
}

/// Decided: the code is used up, and of several polls one gets what it stands for.
Decision Flow::finish(const sdk::Call& call, const sdk::AuthRequest& request, const std::string& device_code) const {
    const auto taken = identity_.state_take(call, device_code);
    if (!taken) return Decision::refuse("invalid_grant", "the device_code is not known, or has been used");
    const Record record = Record::from(*taken);
    if (record.stage != Record::Stage::approved) return Decision::refuse("access_denied", "the person denied the request");
    sdk::AuthIdentity who{record.approver.subject, record.approver.issuer};
    if (!record.approver.actor_kind.empty()) who.actor_kind = record.approver.actor_kind;
    who.organization_id = record.approver.organization_id;
    who.claims_json = record.approver.claims_json;
    who.acr = record.approver.acr;
    who.auth_time_unix_s = record.approver.auth_time_unix_s;
    who.confirmation_json = request.confirmation_json;
    who.scopes = record.scopes;
    if (!record.audience.empty()) who.audiences = {record.audience};
    return Decision::grant(std::move(who)).audit(Json{{"client_id", record.client_id}, {"device_address", record.address}}.dump());
}

}  // namespace acp::device
