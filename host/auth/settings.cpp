#include "auth/settings.h"

namespace acp::auth {

namespace {

bool is_web(const std::string& url) noexcept {
    return url.starts_with("http://") || url.starts_with("https://");
}

/// "https://a.example/x/auth" gives "https://a.example".
std::string origin_of(const std::string& url) {
    return url.substr(0, url.find('/', url.find("://") + 3));
}

}  // namespace

Settings make_settings(std::string issuer, const std::string& origin) {
    Settings out;
    out.base = is_web(issuer) && issuer.ends_with("/auth") ? issuer : origin + "/auth";
    out.origin = origin_of(out.base);
    out.issuer = std::move(issuer);
    return out;
}

}  // namespace acp::auth
