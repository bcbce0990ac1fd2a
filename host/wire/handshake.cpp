#include "wire/handshake.h"

namespace acp::wire {

void Handshake::on_readable() {
    switch (secure_.handshake()) {
        case Secure::Handshake::wait:
            return;
        case Secure::Handshake::failed:
            connection_.counters().tls_failed.add();
            connection_.abort();
            return;
        case Secure::Handshake::done:
            break;
    }
    connection_.counters().tls_handshakes.add();
    auto next = factory_(connection_, secure_.alpn());
    Protocol& protocol = *next;
    connection_.become(std::move(next));
    if (draining_) protocol.drain();
    // The first request may have come with the handshake's last message.
    if (!connection_.closed()) protocol.on_readable();
}

}  // namespace acp::wire
