#include "client/egress.h"

#include <Poco/Base64Encoder.h>

#include <algorithm>
#include <mutex>
#include <sstream>
#include <utility>

#include "base/bytes.h"

namespace acp::client {

namespace {

struct Current {
    std::mutex mutex;
    Egress egress;
};

Current& current() {
    static Current one;
    return one;
}

}  // namespace

Proxy Egress::to(const Origin& origin) const {
    if (proxy.host.empty() || origin.scheme == Scheme::unix_socket || is_loopback(origin.host)) return {};
    const std::string host = ascii_lower(origin.host);
    const bool is_direct = std::any_of(direct.begin(), direct.end(), [&](const std::string& entry) {
        const std::string wanted = ascii_lower(entry);
        return wanted.starts_with('.') ? host.ends_with(wanted) : host == wanted;
    });
    return is_direct ? Proxy{} : proxy;
}

std::string basic_authorization(std::string_view credentials) {
    std::ostringstream out;
    Poco::Base64Encoder encoder(out);
    encoder.rdbuf()->setLineLength(0);
    encoder << credentials;
    encoder.close();
    return "Basic " + out.str();
}

void set_egress(Egress egress) {
    std::lock_guard lock(current().mutex);
    current().egress = std::move(egress);
}

Proxy proxy_to(const Origin& origin) {
    std::lock_guard lock(current().mutex);
    return current().egress.to(origin);
}

}  // namespace acp::client
