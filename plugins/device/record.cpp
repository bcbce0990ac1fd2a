#include "record.h"

#include "flow/json.h"

namespace acp::device {

using flow::Json;
using flow::text;

namespace {

const char* word(Record::Stage stage) {
    switch (stage) {
        case Record::Stage::pending: return "pending";
        case Record::Stage::approved: return "approved";
        case Record::Stage::denied: return "denied";
    }
    return "denied";
}

}  // namespace

std::string Record::json() const {
    Json out = {{"stage", word(stage)},       {"client_id", client_id},   {"client_name", client_name},
                {"scopes", scopes},           {"audience", audience},     {"address", address},
                {"expires", expires_unix_ms}, {"interval_s", interval_s}, {"polled", polled_unix_ms}};
    if (stage == Stage::approved)
        out["approver"] = {{"subject", approver.subject},
                           {"issuer", approver.issuer},
                           {"actor_kind", approver.actor_kind},
                           {"organization_id", approver.organization_id},
                           {"acr", approver.acr},
                           {"auth_time", approver.auth_time_unix_s},
                           {"claims", approver.claims_json}};
    return out.dump();
}

Record Record::from(const std::string& json) {
    const Json in = flow::object_or_null(json);
    const std::string stage = in.is_object() ? text(in, "stage") : std::string();
    Record out;
    if (stage == "approved")
        out.stage = Stage::approved;
    else if (stage == "denied")
        out.stage = Stage::denied;
    else if (stage != "pending")
        throw sdk::Failure(ACP_E_INTERNAL, "what is kept of a device is malformed");
    out.client_id = text(in, "client_id");
    out.client_name = text(in, "client_name");
    out.scopes = flow::texts(in, "scopes");
    out.audience = text(in, "audience");
    out.address = text(in, "address");
    out.expires_unix_ms = flow::integer(in, "expires", 0);
    out.interval_s = flow::integer(in, "interval_s", 5);
    out.polled_unix_ms = flow::integer(in, "polled", 0);
    if (const auto who = in.find("approver"); who != in.end() && who->is_object()) {
        out.approver.subject = text(*who, "subject");
        out.approver.issuer = text(*who, "issuer");
        out.approver.actor_kind = text(*who, "actor_kind");
        out.approver.organization_id = text(*who, "organization_id");
        out.approver.acr = text(*who, "acr");
        out.approver.auth_time_unix_s = flow::integer(*who, "auth_time", 0);
        out.approver.claims_json = text(*who, "claims");
    }
    return out;
}

}  // namespace acp::device
