#include "oidc/provider.h"

#include <algorithm>

#include "oidc/url.h"

namespace acp::oidc {

using flow::Credentials;
using flow::Json;
using flow::text;

namespace {

// Auth0's word for "with a second factor", which it reports as a method instead.
constexpr std::string_view kAuth0MultiFactor = "http://schemas.openid.net/pape/policies/2007/06/multi-factor";

[[noreturn]] void invalid(const std::string& message) {
    throw sdk::Failure(ACP_E_INVALID, message);
}

bool holds(const Json& claims, const char* name, const std::string& value) {
    if (text(claims, name) == value) return true;
    const auto list = flow::texts(claims, name);
    return std::find(list.begin(), list.end(), value) != list.end();
}

bool is_word(const std::string& word) {
    return !word.empty() && word.size() <= 64 &&
           word.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == std::string::npos;
}

Kind kind_of(const Json& given, const std::string& where) {
    const std::string word = given.contains("kind") ? text(given, "kind") : "oidc";
    if (word == "oidc") return Kind::oidc;
    if (word == "entra") return Kind::entra;
    if (word == "auth0") return Kind::auth0;
    invalid(where + "/kind is none of oidc, entra and auth0");
}

UsePar par_of(const Json& given, const std::string& where) {
    const std::string word = given.contains("use_par") ? text(given, "use_par") : "auto";
    if (word == "auto") return UsePar::automatic;
    if (word == "always") return UsePar::always;
    if (word == "never") return UsePar::never;
    invalid(where + "/use_par is none of auto, always and never");
}

void read_credentials(const Json& given, const std::string& where, Provider& out) {
    Credentials& own = out.credentials;
    own.client_id = text(given, "client_id");
    if (own.client_id.empty()) invalid(where + "/client_id is needed");
    if (given.contains("client_secret") == given.contains("assertion_key"))
        invalid(where + " needs client_secret or assertion_key, and not both");
    if (given.contains("assertion_key")) {
        own.by = Credentials::By::assertion;
        own.assertion_key = text(given, "assertion_key");
        own.assertion_audience = text(given, "assertion_audience");
        // A token endpoint's address can be lied about; the issuer cannot. Entra takes its endpoint alone.
        if (own.assertion_audience.empty() && out.kind != Kind::entra) own.assertion_audience = out.issuer;
        if (given.contains("client_auth")) invalid(where + "/client_auth goes with client_secret");
        return;
    }
    own.client_secret = text(given, "client_secret");
    if (own.client_secret.empty()) invalid(where + "/client_secret is empty");
    if (given.contains("assertion_audience")) invalid(where + "/assertion_audience goes with assertion_key");
    own.by = out.kind == Kind::oidc ? Credentials::By::secret_basic : Credentials::By::secret_post;
    out.method_given = out.kind != Kind::oidc;
    if (!given.contains("client_auth")) return;
    const std::string method = text(given, "client_auth");
    if (method != "basic" && method != "post") invalid(where + "/client_auth is neither basic nor post");
    own.by = method == "basic" ? Credentials::By::secret_basic : Credentials::By::secret_post;
    out.method_given = true;
}

void read_scopes(const Json& given, const std::string& where, Provider& out) {
    if (!given.contains("scopes")) return;
    const auto scopes = flow::scopes_of(flow::joined(flow::texts(given, "scopes")));
    if (!scopes) invalid(where + "/scopes holds one that is malformed");
    if (!flow::within({"openid"}, *scopes)) invalid(where + "/scopes lacks openid");
    out.scopes = flow::joined(*scopes);
}

void read_acr_values(const Json& given, const std::string& where, Provider& out) {
    const auto values = given.find("acr_values");
    if (values == given.end()) return;
    if (!values->is_object()) invalid(where + "/acr_values is no object");
    for (const auto& [word, value] : values->items()) {
        if (!is_word(word) || !value.is_string() || value.get<std::string>().empty())
            invalid(where + "/acr_values has a word or a value that is malformed");
        out.acr_values[word] = value.get<std::string>();
    }
}

Provider provider_of(const Json& given, const std::string& where) {
    if (!given.is_object()) invalid(where + " is no object");
    flow::only(given, {"id", "issuer", "kind", "client_id", "client_secret", "client_auth", "assertion_key", "assertion_audience",
                       "scopes", "audience", "acr_values", "use_par", "ca_file", "other_origins"}, where);
    Provider out;
    out.id = text(given, "id");
    if (!is_word(out.id)) invalid(where + "/id is missing or malformed");
    out.issuer = text(given, "issuer");
    const auto origin = origin_of(out.issuer);
    if (!origin || (origin->starts_with("http:") && !is_plain_loopback(*origin)) || out.issuer.find('?') != std::string::npos)
        invalid(where + "/issuer is no https address (http is for loopback), or has a query");
    out.kind = kind_of(given, where);
    read_credentials(given, where, out);
    read_scopes(given, where, out);
    read_acr_values(given, where, out);
    out.audience = text(given, "audience");
    if (!out.audience.empty() && out.kind == Kind::entra) invalid(where + "/audience is not for entra: name it by scopes");
    out.use_par = par_of(given, where);
    out.ca_file = text(given, "ca_file");
    for (const auto& other : flow::texts(given, "other_origins")) {
        const auto sound = origin_of(other);
        if (!sound || !sound->starts_with("https:") || other.find('/', 8) != std::string::npos)
            invalid(where + "/other_origins holds one that is no https origin");
        out.other_origins.push_back(*sound);
    }
    return out;
}

}  // namespace

std::string Provider::acr_value(const std::string& word) const {
    const auto at = acr_values.find(word);
    return at == acr_values.end() ? std::string() : at->second;
}

bool Provider::reached(const Json& claims, const std::string& word) const {
    const std::string value = acr_value(word);
    if (value.empty()) return false;
    if (kind == Kind::entra) return holds(claims, "acrs", value);
    if (kind == Kind::auth0 && value == kAuth0MultiFactor && holds(claims, "amr", "mfa")) return true;
    return text(claims, "acr") == value;
}

std::string Provider::acr_of(const Json& claims) const {
    if (reached(claims, "high")) return "high";
    for (const auto& [word, value] : acr_values)
        if (reached(claims, word)) return word;
    return {};
}

std::vector<Provider> read_providers(const Json& config) {
    const auto list = config.find("providers");
    if (list == config.end() || !list->is_array() || list->empty()) invalid("/providers needs one at least");
    std::vector<Provider> out;
    for (std::size_t i = 0; i < list->size(); ++i) {
        const std::string where = "/providers/" + std::to_string(i);
        Provider one = provider_of((*list)[i], where);
        for (const Provider& other : out) {
            if (one.id == other.id) invalid(where + "/id is that of another provider");
            // Sessions and logout tokens name their provider by issuer.
            if (one.issuer == other.issuer) invalid(where + "/issuer is that of another provider");
        }
        out.push_back(std::move(one));
    }
    return out;
}

std::string read_own_url(const Json& config, const char* name) {
    std::string url = text(config, name);
    const auto origin = origin_of(url);
    if (!origin || (origin->starts_with("http:") && !is_plain_loopback(*origin)))
        invalid("/" + std::string(name) + " is no absolute https address (http is for loopback)");
    return url;
}

}  // namespace acp::oidc
