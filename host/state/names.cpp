#include "state/names.h"

#include <chrono>
#include <future>
#include <memory>

#include "base/clock.h"
#include "work/pool.h"

namespace acp::state {

namespace {

constexpr std::size_t kThreads = 2, kQueue = 16;

Result<Addresses> resolve(const std::string& host, std::uint16_t port, int flags) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV | flags;
    addrinfo* list = nullptr;
    const int failed = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
    if (failed != 0) return fail(Code::unavailable, "name", host + ": " + ::gai_strerror(failed));
    return Addresses(list);
}

}  // namespace

Result<Addresses> addresses_of(const std::string& host, std::uint16_t port, std::int64_t deadline_ns) {
    if (auto numeric = resolve(host, port, AI_NUMERICHOST)) return numeric;
    static work::Pool pool("state-names", kThreads, kQueue);
    auto promise = std::make_shared<std::promise<Result<Addresses>>>();
    auto answer = promise->get_future();
    if (!pool.try_run([=] { promise->set_value(resolve(host, port, AI_ADDRCONFIG)); }))
        return fail(Code::unavailable, "name", "too many names are looked up");
    if (answer.wait_for(std::chrono::nanoseconds(deadline_ns - monotonic_ns())) != std::future_status::ready)
        return fail(Code::unavailable, "name", host + ": the name server does not answer");
    return answer.get();
}

}  // namespace acp::state
