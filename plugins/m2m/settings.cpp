#include "settings.h"

namespace acp::m2m {

using flow::Credentials;
using flow::Json;
using flow::text;

const std::string_view kConfigSchema = R"({
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "upstreams": {
      "description": "Audiences whose tokens another identity provider issues. Those of all other audiences are this server's own.",
      "type": "array",
      "maxItems": 64,
      "items": {
        "type": "object",
        "additionalProperties": false,
        "required": ["audience", "kind", "client_id"],
        "properties": {
          "audience": {"description": "What clients ask for by audience or resource.", "type": "string", "minLength": 1, "maxLength": 512},
          "kind": {"type": "string", "enum": ["entra", "auth0", "oidc"]},
          "tenant": {"description": "entra: tenant id or domain.", "type": "string", "pattern": "^[A-Za-z0-9.-]{1,128}$"},
          "domain": {"description": "auth0: the tenant's domain.", "type": "string", "pattern": "^[A-Za-z0-9.-]{1,253}$"},
          "base_url": {"description": "entra, auth0: in place of the public cloud's address.", "type": "string", "maxLength": 1024},
          "token_url": {"description": "oidc: the token endpoint.", "type": "string", "maxLength": 1024},
          "client_id": {"type": "string", "minLength": 1, "maxLength": 512},
          "client_secret": {"description": "A secret; or assertion_key.", "type": "string", "minLength": 1, "maxLength": 4096},
          "assertion_key": {"description": "Name of a key of the host that signs client assertions (RFC 7523); empty: the server's own.", "type": "string", "maxLength": 64},
          "scopes": {"description": "Scopes that may be asked for there. Without any, none can be named.", "type": "array", "maxItems": 64, "items": {"type": "string", "minLength": 1, "maxLength": 256}},
          "ca_file": {"description": "PEM file of the authorities that are trusted instead of the system's.", "type": "string", "maxLength": 4096}
        }
      }
    }
  }
})";

namespace {

[[noreturn]] void invalid(const std::string& message) {
    throw sdk::Failure(ACP_E_INVALID, message);
}

Kind kind_of(const std::string& word, const std::string& where) {
    if (word == "entra") return Kind::entra;
    if (word == "auth0") return Kind::auth0;
    if (word == "oidc") return Kind::oidc;
    invalid(where + "/kind is none of entra, auth0 and oidc");
}

std::string token_url(Kind kind, const Json& given, const std::string& where) {
    const std::string base = text(given, "base_url");
    switch (kind) {
        case Kind::entra:
            if (text(given, "tenant").empty()) invalid(where + "/tenant is needed for entra");
            return flow::checked_url(base.empty() ? "https://login.microsoftonline.com" : base, where + "/base_url") + "/" +
                   text(given, "tenant") + "/oauth2/v2.0/token";
        case Kind::auth0:
            if (base.empty() && text(given, "domain").empty()) invalid(where + "/domain is needed for auth0");
            return flow::checked_url(base.empty() ? "https://" + text(given, "domain") : base, where + "/base_url") + "/oauth/token";
        case Kind::oidc:
            if (text(given, "token_url").empty()) invalid(where + "/token_url is needed for oidc");
            return flow::checked_url(text(given, "token_url"), where + "/token_url");
    }
    invalid(where + "/kind is unknown");
}

Credentials credentials_of(Kind kind, const Json& given, const std::string& where) {
    Credentials out;
    out.client_id = text(given, "client_id");
    out.client_secret = text(given, "client_secret");
    out.assertion_key = text(given, "assertion_key");
    if (out.client_id.empty()) invalid(where + "/client_id is needed");
    if (given.contains("client_secret") == given.contains("assertion_key"))
        invalid(where + " needs client_secret or assertion_key, and not both");
    if (given.contains("assertion_key")) {
        out.by = Credentials::By::assertion;
        // Auth0 wants its issuer as the audience of an assertion.
        if (kind == Kind::auth0 && !text(given, "domain").empty()) out.assertion_audience = "https://" + text(given, "domain") + "/";
    } else if (kind == Kind::oidc) {
        out.by = Credentials::By::secret_basic;  // the one that every server has (RFC 6749 section 2.3.1)
    }
    return out;
}

Upstream upstream_of(const Json& given, const std::string& where) {
    if (!given.is_object()) invalid(where + " is no object");
    flow::only(given, {"audience", "kind", "tenant", "domain", "base_url", "token_url", "client_id", "client_secret",
                       "assertion_key", "scopes", "ca_file"}, where);
    Upstream out;
    out.kind = kind_of(text(given, "kind"), where);
    out.audience = text(given, "audience");
    if (out.audience.empty()) invalid(where + "/audience is needed");
    out.endpoint.url = token_url(out.kind, given, where);
    out.endpoint.ca_file = text(given, "ca_file");
    out.endpoint.credentials = credentials_of(out.kind, given, where);
    const auto scopes = flow::scopes_of(flow::joined(flow::texts(given, "scopes")));
    if (!scopes) invalid(where + "/scopes holds one that is malformed");
    out.scopes = *scopes;
    return out;
}

}  // namespace

std::map<std::string, Upstream> read_upstreams(const std::string& config_json) {
    std::map<std::string, Upstream> out;
    if (config_json.empty()) return out;
    const Json config = flow::object_of(config_json, "config");
    flow::only(config, {"upstreams"}, "config");
    const auto list = config.find("upstreams");
    if (list == config.end()) return out;
    if (!list->is_array()) invalid("/upstreams is no array");
    for (std::size_t i = 0; i < list->size(); ++i) {
        const std::string where = "/upstreams/" + std::to_string(i);
        Upstream one = upstream_of((*list)[i], where);
        std::string audience = one.audience;
        if (!out.emplace(std::move(audience), std::move(one)).second) invalid(where + "/audience is that of another upstream");
    }
    return out;
}

}  // namespace acp::m2m
