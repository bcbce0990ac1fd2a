// http: what answers a request by going over to messages (WebSocket).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace acp::http {

struct Message {
    bool text = false;
    std::string bytes;
};

/// One end of an exchange of messages; the wire has the other. All members but
/// the wake function given to `attach` are called on the listener's event loop.
class MessagePort {
public:
    virtual ~MessagePort() = default;
    /// `wake` may be called from any thread, when `pull` may have something or
    /// `ready` has become true.
    virtual void attach(std::function<void()> wake) = 0;
    enum class Pulled { message, empty, ended };
    virtual Pulled pull(Message& out) = 0;
    /// Why it ended: a close code of RFC 6455 section 7.4.1.
    virtual std::uint16_t close_code() const { return 1000; }
    /// Whether it takes a message now. While it does not, the peer is not read.
    virtual bool ready() = 0;
    /// A message of the peer. False: it breaks the subprotocol.
    virtual bool push(bool text, std::string_view bytes) = 0;
    /// The peer is gone, `reason` as in ACP_CLOSE_*. At most once, and not after ended.
    virtual void cancel(int reason) = 0;
};

}  // namespace acp::http
