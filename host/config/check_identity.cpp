#include "config/check_identity.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <string_view>

#include "config/address.h"
#include "config/config.h"
#include "config/lookup.h"
#include "json/nearest.h"

namespace acp::config {

namespace {

constexpr std::string_view kHttp = "http://";
constexpr std::string_view kHttps = "https://";

/// Plain http to this very machine: nobody can stand in between.
bool is_plain_loopback(std::string_view url) {
    if (!url.starts_with(kHttp)) return false;
    const std::string_view authority = url.substr(kHttp.size()).substr(0, url.substr(kHttp.size()).find_first_of("/?"));
    const auto with_port = parse_endpoint(authority);
    const auto without = parse_endpoint(std::string(authority) + ":80");
    return with_port ? with_port->is_loopback() : without && without->is_loopback();
}

std::string joined(const std::vector<std::string>& names) {
    std::string out;
    for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
    return out;
}

bool holds(const std::vector<std::string>& list, std::string_view one) {
    return std::find(list.begin(), list.end(), one) != list.end();
}

class IdentityCheck : private Lookup {
public:
    explicit IdentityCheck(Document& document) : Lookup(document.value), document_(document) {}

    void run() {
        for (std::size_t i = 0; i < count("/identity/issuers"); ++i) check_issuer(json::child("/identity/issuers", i));
        for (std::size_t i = 0; i < count("/identity/role_mapping"); ++i)
            check_rule(json::child("/identity/role_mapping", i));
        for (std::size_t i = 0; i < count("/identity/clients"); ++i) check_client(json::child("/identity/clients", i));
    }

private:
    /// Refuses the second entry of one name.
    void check_fresh(std::map<std::string, std::string>& taken, const std::string& name, const std::string& pointer) {
        const auto [first, fresh] = taken.emplace(name, pointer);
        if (!fresh)
            document_.refuse(pointer, "is taken by " + json::dotted(json::parent(first->second)) + " (" +
                                          document_.origins.at(first->second).text() + "); keep one");
    }

    void check_issuer(const std::string& entry) {
        const std::string pointer = json::child(entry, "issuer");
        const auto issuer = text(pointer);
        if (!issuer || issuer->empty()) return;
        check_fresh(issuers_, *issuer, pointer);
        if (*issuer == text("/identity/issuer").value_or(Identity().issuer))
            document_.refuse(pointer,
                             "is this server's own issuer, whose tokens are accepted anyway; remove this entry");
        const auto jwks_url = text(json::child(entry, "jwks_url"));
        const bool is_url = issuer->starts_with(kHttp) || issuer->starts_with(kHttps);
        if (!is_url && !jwks_url)
            document_.refuse(pointer, "is no URL, so its keys cannot be discovered; set jwks_url");
        // Without TLS whoever is in between could give out keys of his own.
        if (issuer->starts_with(kHttp) && !is_plain_loopback(*issuer))
            document_.refuse(pointer, "is plain http to another host; use https");
        if (jwks_url && !jwks_url->starts_with(kHttps) && !(is_plain_loopback(*jwks_url) && is_plain_loopback(*issuer)))
            document_.refuse(json::child(entry, "jwks_url"),
                             "must be https; http is for an issuer and keys on loopback only");
    }

    std::vector<std::string> known_roles() const {
        std::vector<std::string> known(std::begin(built_in_roles), std::end(built_in_roles));
        for (const auto& name : names("/identity/roles"))
            if (!holds(known, name)) known.push_back(name);
        return known;
    }

    void check_rule(const std::string& entry) {
        const auto given = [&](const char* key) { return has(json::child(entry, key)); };
        if (given("equals") == given("contains")) document_.refuse(entry, "must have either equals or contains");
        if (given("role") == given("scopes")) document_.refuse(entry, "must have either role or scopes");
        if (const auto issuer = text(json::child(entry, "issuer")); issuer && issuers_.count(*issuer) == 0)
            document_.refuse(json::child(entry, "issuer"),
                             "names no entry of identity.issuers; an issuer is compared byte for byte");
        const auto role = text(json::child(entry, "role"));
        const auto known = known_roles();
        if (!role || holds(known, *role)) return;
        const std::string meant = json::nearest(*role, known);
        document_.refuse(
            json::child(entry, "role"),
            "names no role;" + (meant.empty() ? "" : " did you mean " + meant + "?") + " known: " + joined(known));
    }

    void check_client(const std::string& entry) {
        if (const auto id = text(json::child(entry, "id"))) check_fresh(clients_, *id, json::child(entry, "id"));
        const auto methods = texts(json::child(entry, "methods"));
        check_presence(entry, methods);
        const bool is_public = holds(methods, "none");
        if (is_public && methods.size() > 1)
            document_.refuse(json::child(entry, "methods"), "none is for a public client, which has no other method");
        if (is_public && holds(texts(json::child(entry, "grants")), "client_credentials"))
            document_.refuse(json::child(entry, "grants"),
                             "client_credentials needs a client that can prove itself, so not the method none");
        check_proof(entry, methods, {"client_secret_basic", "client_secret_post"}, {"secret", "secret_sha256"});
        check_proof(entry, methods, {"private_key_jwt"}, {"jwks", "jwks_file"});
        check_proof(entry, methods, {"tls_client_auth", "jwt_svid"}, {"spiffe_id", "certificate_subject"});
        check_proof(entry, methods, {"kubernetes"}, {"service_account"});
        if (holds(methods, "jwt_svid") && !has(json::child(entry, "spiffe_id")))
            document_.refuse(json::child(entry, "methods"), "jwt_svid needs spiffe_id");
        if (has(json::child(entry, "jwks")) && has(json::child(entry, "jwks_file")))
            document_.refuse(json::child(entry, "jwks_file"), "goes without jwks; keep one");
    }

    /// Who never comes itself can only be an agent that other clients act as.
    void check_presence(const std::string& entry, const std::vector<std::string>& methods) {
        if (!has(json::child(entry, "methods")) || !has(json::child(entry, "grants"))) return;
        const bool is_never_here = text(json::child(entry, "kind")) == "agent" && methods.empty();
        const auto grants = texts(json::child(entry, "grants"));
        if (methods.empty() && !is_never_here) document_.refuse(json::child(entry, "methods"), "must not be empty, but for an agent that other clients act as");
        if (is_never_here && !grants.empty()) document_.refuse(json::child(entry, "grants"), "must be empty like methods: the agent cannot ask for anything itself");
        if (!methods.empty() && grants.empty()) document_.refuse(json::child(entry, "grants"), "must not be empty");
    }

    /// A method needs one of the keys, and the keys are of use for these methods only.
    void check_proof(const std::string& entry, const std::vector<std::string>& methods,
                     const std::vector<std::string>& wanting, const std::vector<std::string>& keys) {
        const auto method =
            std::find_if(methods.begin(), methods.end(), [&](const std::string& one) { return holds(wanting, one); });
        const auto key = std::find_if(keys.begin(), keys.end(),
                                      [&](const std::string& one) { return has(json::child(entry, one)); });
        std::string any_key, any_method;
        for (const auto& one : keys) any_key += (any_key.empty() ? "" : " or ") + one;
        for (const auto& one : wanting) any_method += (any_method.empty() ? "" : " or ") + one;
        if (method != methods.end() && key == keys.end())
            document_.refuse(json::child(entry, "methods"), *method + " needs " + any_key);
        // Without a list of methods that is the mistake to mend first.
        if (method == methods.end() && key != keys.end() && !methods.empty())
            document_.refuse(json::child(entry, *key), "proves nothing: it goes with the method " + any_method);
    }

    std::map<std::string, std::string> issuers_, clients_;  // name -> pointer of the first entry
    Document& document_;
};

}  // namespace

void check_identity(Document& document) {
    IdentityCheck(document).run();
}

}  // namespace acp::config
