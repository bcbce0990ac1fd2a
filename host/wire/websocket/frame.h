// wire/websocket: WebSocket (RFC 6455) as code over bytes: no sockets, no
// threads, no clock. The same code serves both ends.
//
//   handshake.h  who may open a connection, and with what agreed
//   frame.h      frames, as they arrive in pieces; writing them
//   message.h    whole messages, with permessage-deflate (RFC 7692)
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "wire/websocket/utf8.h"

namespace acp::wire::websocket {

/// Which end this is. A server reads masked frames only and writes unmasked
/// ones, a client the reverse (RFC 6455 section 5.1).
enum class Role : std::uint8_t { server, client };

/// RFC 6455 section 5.2.
enum class Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

/// Why a peer was refused. Names are stable: they appear in metrics.
enum class Refusal : std::uint8_t {
    none,
    reserved_bits,  ///< RSV1 to RSV3 that nothing agreed on
    unknown_opcode,
    bad_mask,  ///< masked for a client, unmasked for a server
    fragmented_control,
    long_control,             ///< a control frame of more than 125 bytes
    unexpected_continuation,  ///< no message to continue
    interleaved_message,      ///< a new message inside a fragmented one
    bad_length,               ///< not in its shortest form, or over 2^63-1
    bad_close_size,           ///< a close frame of one byte
    bad_close_code,
    bad_close_reason,  ///< not UTF-8
    bad_text,          ///< not UTF-8
    message_too_large,
    too_many_fragments,
    too_many_empty_fragments,
    bad_compression,        ///< not a whole DEFLATE stream
    too_many_final_blocks,  ///< see message.h
    last_
};
std::string_view refusal_name(Refusal refusal) noexcept;
/// The code to close the connection with (RFC 6455 section 7.4.1): 1002, 1007,
/// 1008 or 1009.
std::uint16_t close_code(Refusal refusal) noexcept;

/// Stands for a close frame without a code; never sent (RFC 6455 section 7.4.1).
inline constexpr std::uint16_t kNoCode = 1005;
/// Codes that a close frame may carry: 1000-1003 and 1007-1014, which are
/// registered, and 3000-4999 (RFC 6455 section 7.4.2).
bool is_close_code(std::uint16_t code) noexcept;

struct FrameLimits {
    /// Payload bytes of one message. A compressed one may take a little more on
    /// the wire: DEFLATE adds to data that do not compress.
    std::uint64_t message = 1U << 20U;
    std::uint32_t fragments = 4096;      ///< frames of one message
    std::uint32_t empty_fragments = 16;  ///< of these, without payload: they cost us and move nothing
};

/// Incremental parser of one direction of a connection. Feed it whatever
/// arrived, split anywhere; it keeps at most one control frame (125 bytes).
class FrameParser {
public:
    enum class Event : std::uint8_t {
        more,  ///< the input is used up
        data,  ///< a piece of a message
        ping,  ///< owes a pong with the same payload
        pong,
        close,    ///< the last event: what follows is skipped (RFC 6455 section 5.5.1)
        refused,  ///< close with close_code(refusal()); again for every further call
    };
    struct Step {
        Event event;
        std::size_t consumed = 0;  ///< bytes of the input that are used up
        /// Piece, control payload or close reason. A piece lies in the input,
        /// the others in the parser until the next step.
        std::string_view data = {};
        std::uint16_t code = 0;  ///< of a close frame; kNoCode when it had none
        // Of a piece; it is empty only when `last` and there was nothing left.
        bool text = false;
        bool compressed = false;  ///< RSV1: the message is DEFLATE data, its text not checked
        bool first = false;       ///< starts a message
        bool last = false;        ///< ends it; both for a message in one piece
    };

    /// `compression`: permessage-deflate was agreed on, so that RSV1 may be set.
    FrameParser(Role role, const FrameLimits& limits, bool compression) noexcept
        : limits_(limits), role_(role), compression_(compression) {}

    /// One step; call again with the rest until Event::more, close or refused.
    /// Unmasks in place what it consumes. How the input is split decides only
    /// on how a message is split into pieces.
    Step step(std::span<char> input) noexcept;
    Refusal refusal() const noexcept { return refusal_; }

private:
    enum class Phase : std::uint8_t { head, control, data, closed, refused };
    Refusal take_first(std::uint8_t byte) noexcept;
    Refusal take_second(std::uint8_t byte) noexcept;
    Refusal take_length() noexcept;
    Refusal take_head_byte(std::uint8_t byte) noexcept;
    void begin_payload() noexcept;
    Step data_step(std::span<char> input, std::size_t used) noexcept;
    Step control_step(std::size_t used) noexcept;
    Step refuse(Refusal why, std::size_t used) noexcept;

    FrameLimits limits_;
    std::uint64_t left_ = 0;     ///< payload bytes of this frame still to come
    std::uint64_t message_ = 0;  ///< payload bytes of this message's frames so far
    std::uint32_t fragments_ = 0;
    std::uint32_t empty_fragments_ = 0;
    std::array<std::uint8_t, 4> mask_{};  ///< turned so that it starts at the next payload byte
    std::array<std::uint8_t, 14> head_{};
    std::array<char, 125> control_{};
    std::uint8_t head_size_ = 0;
    std::uint8_t head_needs_ = 2;
    std::uint8_t control_size_ = 0;
    Utf8Check utf8_;
    Role role_;
    bool compression_;
    Phase phase_ = Phase::head;
    Refusal refusal_ = Refusal::none;
    Opcode opcode_ = Opcode::continuation;
    bool fin_ = false;
    bool in_message_ = false;  ///< between the first frame of a message and the end of its last
    bool begun_ = false;       ///< a piece of the message was handed out
    bool text_ = false;
    bool compressed_ = false;
};

/// Chosen anew for each frame, unpredictably (RFC 6455 section 5.3).
using MaskKey = std::array<std::uint8_t, 4>;

/// Masks or unmasks in place (RFC 6455 section 5.3).
void apply_mask(std::span<char> data, const MaskKey& key) noexcept;

struct FrameSpec {
    Opcode opcode = Opcode::binary;
    bool fin = true;
    bool compressed = false;      ///< RSV1, on the first frame of a message only
    std::optional<MaskKey> mask;  ///< set by a client, and only there
};

/// A frame's head; a client's payload is then masked with apply_mask.
struct FrameHead {
    std::array<char, 14> bytes;
    std::size_t size;
    std::string_view view() const noexcept { return {bytes.data(), size}; }
};
FrameHead encode_head(const FrameSpec& spec, std::uint64_t payload_size) noexcept;

/// Appends a whole frame. The payload of a control frame has at most 125 bytes.
void append_frame(std::string& out, const FrameSpec& spec, std::string_view payload);

/// Appends a close frame. kNoCode, or a code that may not be sent, makes one
/// without payload; the reason is cut, between characters, to the 123 bytes that
/// fit, and bytes that are not UTF-8 are replaced.
void append_close(std::string& out, std::uint16_t code, std::string_view reason,
                  const std::optional<MaskKey>& mask = std::nullopt);

}  // namespace acp::wire::websocket
