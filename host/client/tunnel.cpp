#include "client/tunnel.h"

#include <memory>
#include <utility>

#include "wire/http1/parse.h"

namespace acp::client {

using wire::http1::Parse;

void Tunnel::ask() {
    const std::string place = host_and_port(origin_.host, origin_.port);
    std::string head = "CONNECT " + place + " HTTP/1.1\r\nHost: " + place + "\r\n";
    if (!origin_.proxy.authorization.empty())
        head += "Proxy-Authorization: " + origin_.proxy.authorization + "\r\n";
    head += "\r\n";
    connection_.output() += head;
    connection_.flush();
}

void Tunnel::on_readable() {
    const auto head = std::make_unique<wire::http1::ResponseHead>();
    constexpr int kInterimMax = 16;
    bool needs_more = true;
    for (;;) {
        if (needs_more && !connection_.fill_input()) return;
        auto refusal = wire::http1::Refusal::none;
        const wire::http1::HeadLimits limits{.bytes = connection_.loop().buffer_bytes()};
        const Parse verdict =
            wire::http1::parse_response(connection_.input(), limits, scanned_, "CONNECT", *head, refusal);
        if (verdict == Parse::complete) {
            scanned_ = 0;
            if (head->status / 100 != 1 || head->status == 101) break;
            if (++interim_ > kInterimMax) return refuse("it sent too many interim responses");
            connection_.consume(head->size);
            needs_more = connection_.input().empty();
            continue;
        }
        if (verdict == Parse::refused) return refuse(std::string(wire::http1::refusal_name(refusal)));
        if (connection_.input_ended()) return refuse("it closed the connection");
        connection_.compact_input();
        needs_more = true;
    }
    if (head->status / 100 != 2) return refuse("it answered with status " + std::to_string(head->status));
    connection_.consume(head->size);
    // Nobody behind it has been spoken to: such bytes could only be the proxy's own.
    if (!connection_.input().empty()) return refuse("it sent bytes of its own into the tunnel");
    if (auto done = std::exchange(done_, nullptr)) done({});
}

void Tunnel::refuse(const std::string& why) {
    auto done = std::exchange(done_, nullptr);
    if (!done) return;
    done(fail(Code::unavailable, "proxy_refused",
              "the proxy " + host_and_port(origin_.proxy.host, origin_.proxy.port) + " gave no tunnel to " +
                  origin_.place() + ": " + why));
}

}  // namespace acp::client
