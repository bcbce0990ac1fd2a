// http: the vocabulary of HTTP that does not depend on a protocol version:
// responses, problems, paths and queries. No I/O.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "http/message_port.h"

namespace acp::http {

/// A body that is produced while it is sent. All members but the wake function
/// given to `attach` are called on the listener's event loop only.
class BodySource {
public:
    virtual ~BodySource() = default;
    /// `wake` may be called from any thread, when `pull` has something new.
    virtual void attach(std::function<void()> wake) = 0;
    enum class Pulled { more, empty, ended, failed };
    /// Appends framed payload bytes to `out`. `failed`: the response must not
    /// look complete.
    virtual Pulled pull(std::string& out) = 0;
    /// Bytes that keep an idle listener alive, appended to `out`; none by default.
    virtual void heartbeat(std::string&) {}
    /// Interval between heartbeats, 0: none.
    virtual std::int64_t heartbeat_ms() const { return 0; }
    /// The listener is gone, `reason` as in ACP_CLOSE_*. Called at most once, and not after ended.
    virtual void cancel(int reason) = 0;
};

/// What every handler gives back; the one way to answer.
struct Response {
    int status = 200;
    /// Views of static text or of storage that outlives the response.
    std::string_view content_type;
    std::string body;
    std::vector<std::pair<std::string, std::string>> fields;
    std::unique_ptr<BodySource> source;  ///< when set, `body` is empty
    /// When set, the answer to a WebSocket handshake; the wire adds what that
    /// takes, and refuses a handshake that is none.
    std::unique_ptr<MessagePort> port;
    std::string subprotocol;             ///< of those the client offered, or empty
    bool close = false;                  ///< close the connection afterwards

    Response& field(std::string name, std::string value) {
        fields.emplace_back(std::move(name), std::move(value));
        return *this;
    }
};

inline constexpr std::string_view kJson = "application/json";
inline constexpr std::string_view kProblem = "application/problem+json";

Response json_response(int status, std::string body);

/// Whether an answer of this status has content (RFC 9110 section 6.4.1).
constexpr bool may_have_content(int status) noexcept { return status >= 200 && status != 204 && status != 304; }

/// Reason phrase of RFC 9110 section 15, "" when unknown.
std::string_view reason(int status) noexcept;

}  // namespace acp::http
