#include "client/origin.h"

namespace acp::client {

std::string host_and_port(const std::string& host, std::uint16_t port) {
    const bool v6 = host.find(':') != std::string::npos;
    return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string Origin::place() const {
    return scheme == Scheme::unix_socket ? host : host_and_port(host, port);
}

Origin origin_of(const Url& url) {
    Origin origin;
    origin.scheme = url.scheme;
    origin.host = url.host;
    origin.port = url.port;
    return origin;
}

}  // namespace acp::client
