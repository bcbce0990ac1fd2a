#include "identity/discovery.h"

namespace acp::identity {

namespace {

tl::unexpected<Error> refuse(const std::string& issuer, const std::string& what) {
    return fail(Code::provider_error, "bad_discovery", "the metadata of " + issuer + " " + what);
}

std::string openid_url(std::string issuer) {
    if (issuer.ends_with('/')) issuer.pop_back();
    return issuer + "/.well-known/openid-configuration";
}

std::string oauth_url(std::string issuer) {
    if (issuer.ends_with('/')) issuer.pop_back();
    const auto authority = issuer.find("://");
    const auto path = authority == std::string::npos ? authority : issuer.find('/', authority + 3);
    issuer.insert(path == std::string::npos ? issuer.size() : path, "/.well-known/oauth-authorization-server");
    return issuer;
}

}  // namespace

Result<json::Object::Ptr> discover(const std::string& issuer, const std::string& ca_file, const Fetch& fetch) {
    if (auto allowed = check_key_url(issuer, issuer); !allowed) return fail(allowed.error());
    auto text = fetch(openid_url(issuer), ca_file);
    if (!text && text.error().code == Code::not_found) text = fetch(oauth_url(issuer), ca_file);
    if (!text) return fail(text.error());
    auto document = json::parse_object(*text);
    if (!document) return refuse(issuer, "is no JSON object: " + document.error().message);
    if (json::text_or(*document, "issuer") != issuer) return refuse(issuer, "names another issuer");
    return *document;
}

Result<std::string> jwks_url_of(const json::Object::Ptr& document, const std::string& issuer) {
    const std::string url = json::text_or(document, "jwks_uri");
    if (url.empty()) return refuse(issuer, "names no jwks_uri");
    if (auto allowed = check_key_url(url, issuer); !allowed)
        return refuse(issuer, "has a jwks_uri that is refused: " + allowed.error().message);
    return url;
}

}  // namespace acp::identity
