#include "wire/handshake.h"

namespace acp::wire {

void Handshake::on_readable() {
    switch (channel_.handshake()) {
        case tls::Channel::Progress::wait:
            return;
        case tls::Channel::Progress::failed:
            connection_.counters().tls_failed.add();
            fail();
            connection_.close_after_flush();  // with time for the peer to read the alert
            return;
        case tls::Channel::Progress::done:
            break;
    }
    connection_.counters().tls_handshakes.add();
    failed_ = nullptr;
    auto next = factory_(connection_, channel_.alpn());
    Protocol& protocol = *next;
    connection_.become(std::move(next));
    if (draining_) protocol.drain();
    // The first request may have come with the handshake's last message.
    if (!connection_.closed()) protocol.on_readable();
}

void Handshake::fail() {
    if (auto failed = std::exchange(failed_, nullptr)) failed(channel_.failure());
}

}  // namespace acp::wire
