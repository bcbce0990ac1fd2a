// Load for measuring servers: keep-alive connections with one GET in flight
// each, in bursts. Every PAUSE microseconds it takes what was answered and asks
// again; in between it sleeps, and answers do not wake it. So a server that
// shares its core works through its backlog as at capacity, with requests
// arriving as from a network card that gathers interrupts, and neither side is
// woken for each request. (A generator that waits for answers makes a server that
// is faster than it sleep and wake more often: what is measured then is the
// scheduler. On another core, it makes each send an interrupt to that core.)
//
// usage: http-load HOST PORT PATH CONNECTIONS SECONDS PAUSE_US [FIELD...]
// PAUSE_US: 0 polls without a pause. FIELD: "Name: value", sent with each request.
// Prints one JSON object: requests, seconds, p50_us, p99_us, max_us.
// Answers must be equally long and have a 2xx status; anything else ends it
// with exit code 1 and the reason on standard error.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <strings.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

namespace {

std::int64_t now_ns() {
    timespec ts{};
    ::clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * std::int64_t{1'000'000'000} + ts.tv_nsec;
}

[[noreturn]] void die(const char* what) {
    std::perror(what);
    std::exit(1);
}

/// Bytes of the answer that `head` starts, or 0 while its head is incomplete.
std::size_t answer_size(std::string_view head) {
    const std::size_t end = head.find("\r\n\r\n");
    if (end == std::string_view::npos) return 0;
    if (!head.starts_with("HTTP/1.1 2")) {
        std::fprintf(stderr, "unexpected answer: %.*s\n", static_cast<int>(std::min<std::size_t>(head.size(), 200)), head.data());
        std::exit(1);
    }
    std::size_t length = 0;
    for (std::size_t at = head.find("\r\n"); at < end; at = head.find("\r\n", at + 2)) {
        constexpr std::string_view kName = "content-length: ";
        const std::string_view line = head.substr(at + 2);
        if (line.size() < kName.size() || ::strncasecmp(line.data(), kName.data(), kName.size()) != 0) continue;
        std::from_chars(line.data() + kName.size(), line.data() + line.size(), length);
    }
    return end + 4 + length;
}

struct Connection {
    int fd = -1;
    std::size_t received = 0;
    std::int64_t sent_ns = 0;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc < 7) {
        std::fprintf(stderr, "usage: http-load HOST PORT PATH CONNECTIONS SECONDS PAUSE_US [FIELD...]\n");
        return 2;
    }
    const std::string host = argv[1];
    const auto connection_count = static_cast<std::size_t>(std::atoi(argv[4]));
    std::string request = std::string("GET ") + argv[3] + " HTTP/1.1\r\nHost: " + host + ":" + argv[2] + "\r\n";
    for (int i = 7; i < argc; ++i) request += std::string(argv[i]) + "\r\n";
    request += "\r\n";

    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(argv[2])));
    if (::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) die("address");

    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    std::vector<Connection> connections(connection_count);
    for (Connection& c : connections) {
        c.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (::connect(c.fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) die("connect");
        const int on = 1;
        ::setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        epoll_event event{};
        event.events = EPOLLIN | EPOLLET;
        event.data.ptr = &c;
        if (::epoll_ctl(epoll, EPOLL_CTL_ADD, c.fd, &event) != 0) die("epoll_ctl");
    }

    const auto pause_us = static_cast<unsigned>(std::atoi(argv[6]));
    ::prctl(PR_SET_TIMERSLACK, 1UL);  // otherwise each pause lasts 50 microseconds longer
    std::size_t expected = 0;
    std::uint64_t requests = 0;
    std::vector<std::uint32_t> latencies;
    latencies.reserve(1U << 22);
    const auto send_request = [&](Connection& c, std::int64_t now) {
        c.sent_ns = now;
        if (::send(c.fd, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) die("send");
    };
    const std::int64_t begin = now_ns();
    const std::int64_t end = begin + static_cast<std::int64_t>(std::atof(argv[5]) * 1e9);
    for (Connection& c : connections) send_request(c, begin);

    std::array<epoll_event, 1024> events{};
    std::array<char, 65536> buffer{};
    std::int64_t now = begin;
    while (now < end) {
        if (pause_us > 0) ::usleep(pause_us);
        const int count = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), 0);
        now = now_ns();
        for (int i = 0; i < count; ++i) {
            auto& c = *static_cast<Connection*>(events.at(static_cast<std::size_t>(i)).data.ptr);
            const ssize_t n = ::recv(c.fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
            if (n < 0 && errno == EAGAIN) continue;
            if (n <= 0) die(n == 0 ? "the server closed" : "recv");
            if (expected == 0) expected = answer_size({buffer.data(), static_cast<std::size_t>(n)});
            c.received += static_cast<std::size_t>(n);
            if (c.received < expected || expected == 0) continue;
            if (c.received > expected) {
                std::fprintf(stderr, "an answer has another length than the first one\n");
                return 1;
            }
            if (::memcmp(buffer.data(), "HTTP/1.1 2", 10) != 0 && static_cast<std::size_t>(n) == expected) {
                std::fprintf(stderr, "an answer is not of status 2xx\n");
                return 1;
            }
            c.received = 0;
            ++requests;
            if (latencies.size() < latencies.capacity())
                latencies.push_back(static_cast<std::uint32_t>(std::min<std::int64_t>((now - c.sent_ns) / 1000, UINT32_MAX)));
            send_request(c, now);
        }
    }
    std::sort(latencies.begin(), latencies.end());
    const auto at = [&](double share) {
        return latencies.empty() ? 0U : latencies[static_cast<std::size_t>(share * static_cast<double>(latencies.size() - 1))];
    };
    std::printf("{\"requests\":%llu,\"seconds\":%.3f,\"p50_us\":%u,\"p99_us\":%u,\"max_us\":%u}\n",
                static_cast<unsigned long long>(requests), static_cast<double>(now - begin) / 1e9, at(0.5), at(0.99), at(1));
    return 0;
}
