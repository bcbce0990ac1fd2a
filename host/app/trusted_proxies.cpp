#include "app/trusted_proxies.h"

namespace acp::app {

Result<dispatch::TrustedProxies> trusted_proxies(const config::Config& config) {
    auto parsed = dispatch::TrustedProxies::parse(config.server.trusted_proxies);
    if (parsed) return parsed;
    const std::string pointer = "/server/trusted_proxies";
    Error e;
    e.code = Code::invalid;
    e.slug = "config_invalid";
    e.message = "server.trusted_proxies cannot be used";
    e.violations.push_back(config::locate(config.origins.at(pointer), pointer, parsed.error().message));
    return fail(std::move(e));
}

}  // namespace acp::app
