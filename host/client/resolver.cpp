#include "client/resolver.h"

#include <netdb.h>
#include <sys/un.h>

#include <cstring>
#include <memory>
#include <utility>

namespace acp::client {

namespace {

Result<Addresses> look_up(const std::string& host, std::uint16_t port, int flags) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV | flags;
    addrinfo* raw = nullptr;
    const int status = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &raw);
    if (status != 0) return fail(Code::unavailable, "upstream_unreachable", ::gai_strerror(status));
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list(raw, &::freeaddrinfo);
    Addresses found;
    for (const addrinfo* a = list.get(); a != nullptr; a = a->ai_next) {
        Address& address = found.emplace_back();
        std::memcpy(&address.storage, a->ai_addr, a->ai_addrlen);
        address.size = a->ai_addrlen;
    }
    if (found.empty()) return fail(Code::unavailable, "upstream_unreachable", "the name has no address");
    return found;
}

}  // namespace

Address unix_address(const std::string& path) noexcept {
    sockaddr_un raw{};
    raw.sun_family = AF_UNIX;
    std::memcpy(static_cast<void*>(raw.sun_path), path.data(), std::min(path.size(), sizeof raw.sun_path - 1));
    Address address;
    std::memcpy(&address.storage, &raw, sizeof raw);
    address.size = sizeof raw;
    return address;
}

void Resolver::resolve(const std::string& host, std::uint16_t port, wire::Loop& loop, Done done) {
    if (auto numeric = look_up(host, port, AI_NUMERICHOST)) return done(std::move(numeric));
    auto shared = std::make_shared<Done>(std::move(done));
    const bool taken = threads_.try_run([host, port, &loop, shared] {
        auto found = std::make_shared<Result<Addresses>>(look_up(host, port, 0));
        loop.post([found, shared] { (*shared)(std::move(*found)); });
    });
    if (!taken)
        (*shared)(fail(Code::unavailable, "upstream_unreachable", "too many names are being looked up; try again"));
}

}  // namespace acp::client
