// wire/websocket: agreeing on permessage-deflate (RFC 7692 section 7.1).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace acp::wire::websocket {

/// What both ends agreed on. Window sizes are base-2 logarithms of bytes.
struct Deflate {
    bool server_no_context_takeover = false;  ///< the server forgets its window after each message
    bool client_no_context_takeover = false;
    std::uint8_t server_max_window_bits = 15;  ///< of what the server compresses
    std::uint8_t client_max_window_bits = 15;
    bool operator==(const Deflate&) const = default;
};

struct Negotiated {
    /// The handshake must fail: a field breaks the grammar (RFC 6455 section
    /// 9.1) or, in a response, accepts what was not offered.
    bool failed = false;
    std::optional<Deflate> deflate;
    std::string answer;  ///< server side: the value to respond with, empty without extension
};

// `fields`: the values of all Sec-WebSocket-Extensions fields in their order.

/// Server: chooses the first of the client's offers that can be met. `wanted` is
/// what this server would have, windows from 9 to 15. A window becomes the
/// smaller of wanted and offered, but 15 stays for a client that does not offer
/// client_max_window_bits; context is forgotten where either side asks for it.
///
/// Passed over: other extensions; an offer with a parameter that is unknown,
/// repeated or has a value it must not have; and one for a server window of 8
/// bits, which zlib does not make for raw DEFLATE.
Negotiated choose_deflate(std::span<const std::string_view> fields, const Deflate& wanted);

/// Client: the offer of `wanted`, windows from 9 to 15.
std::string deflate_offer(const Deflate& wanted);

/// Client: reads the response to that offer; nullopt when none was made.
Negotiated read_deflate_answer(std::span<const std::string_view> fields, const std::optional<Deflate>& offered);

}  // namespace acp::wire::websocket
