// wire: the seam to what is above. A protocol hands each request over as an
// Exchange; how it is answered does not depend on the protocol.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "http/response.h"
#include "tls/peer.h"
#include "wire/http1/parse.h"

namespace acp::wire {

class Exchange;
class Loop;

/// A request's head. Views are valid until the exchange is answered.
struct RequestView {
    std::string_view method;
    std::string_view target;
    std::string_view authority;
    std::span<const http1::Field> fields;
    std::string_view request_id;   ///< the client's, where acceptable, else made here
    std::string_view peer;         ///< address and port of the other side
    const tls::PeerIdentity* certificate = nullptr;  ///< the client's, verified; null: it showed none
    bool secure = false;           ///< came over TLS
    bool has_body = false;
    bool websocket = false;        ///< asks for WebSocket; the handshake is judged when it is answered

    /// First field of that name (in lower case); data() is null when missing.
    std::string_view field(std::string_view lower) const noexcept {
        for (const auto& f : fields)
            if (f.name.size() == lower.size() && http1::equals_ci(f.name, lower)) return f.value;
        return {};
    }
};

/// Whether a client's request id may be taken over: 1 to 64 letters, digits, "-", "_" and ".".
bool acceptable_request_id(std::string_view id) noexcept;

/// Answers an exchange later and from any thread, or has the loop go on with it;
/// only the first of them counts. Copies share one exchange.
class Responder {
public:
    class Target {
    public:
        virtual void complete(http::Response response) = 0;  ///< on the loop
        /// On the loop: as before it was deferred, then `task`.
        virtual void resumed(const std::function<void(Exchange&)>& task) = 0;

    protected:
        ~Target() = default;
    };
    struct Control {
        Loop* loop = nullptr;
        Target* target = nullptr;          ///< loop thread only; null once gone
        std::atomic<bool> answered{false};
        std::atomic<bool> gone{false};     ///< the client left before the answer
    };
    Responder() = default;
    explicit Responder(std::shared_ptr<Control> control) : control_(std::move(control)) {}
    void send(http::Response response) const;
    /// Runs `task` on the loop with the exchange, which it answers, reads or defers
    /// again. Not called when the exchange is gone by then.
    void resume(std::function<void(Exchange&)> task) const;
    bool gone() const noexcept { return control_->gone.load(std::memory_order_relaxed); }
    /// Runs `task` on the exchange's loop after `ms`.
    void after(std::int64_t ms, std::function<void()> task) const;

private:
    std::shared_ptr<Control> control_;
};

/// One request and its answer. Loop thread only.
class Exchange {
public:
    virtual const RequestView& request() const noexcept = 0;
    virtual Loop& loop() noexcept = 0;
    /// Answers now.
    virtual void respond(http::Response response) = 0;
    /// Reads the whole body, at most `limit` bytes (413 otherwise, sent by the
    /// protocol), then calls `done` on the loop. Only now is a waiting client
    /// told to continue. Not called when the client fails to deliver.
    virtual void read_body(std::uint64_t limit, std::function<void(std::string body)> done) = 0;
    /// Answers, or goes on, later.
    virtual Responder defer() = 0;

protected:
    ~Exchange() = default;
};

/// What the wire works for.
class Application {
public:
    virtual ~Application() = default;
    /// The head is complete; decide on it alone, before any body is read. Must
    /// answer, read the body, or defer. On the loop: must not block.
    virtual void on_request(Exchange& exchange) = 0;
    /// The answer to bytes that are no request; `status` by the protocol.
    virtual http::Response on_refusal(int status, std::string_view slug, std::string_view request_id) = 0;
};

}  // namespace acp::wire
