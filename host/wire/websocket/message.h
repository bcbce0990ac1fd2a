// wire/websocket: whole messages, for those who do not stream them, with or
// without permessage-deflate. deflate.h says what compression costs in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "wire/websocket/deflate.h"
#include "wire/websocket/extension.h"
#include "wire/websocket/frame.h"

namespace acp::wire::websocket {

/// Assembles what a peer sends. Holds at most one message: limits.message bytes
/// as they are after inflating, twice that while its buffer grows.
class MessageReader {
public:
    enum class Event : std::uint8_t { more, message, ping, pong, close, refused };  // as FrameParser::Event
    struct Step {
        Event event;
        std::size_t consumed = 0;
        /// Message, control payload or close reason; valid until the next step,
        /// and as long as the input is.
        std::string_view data = {};
        std::uint16_t code = 0;  ///< of a close frame; kNoCode when it had none
        bool text = false;       ///< of a message; then it is UTF-8
    };

    /// `agreed`: by the handshake.
    MessageReader(Role role, const FrameLimits& limits, const std::optional<Deflate>& agreed);

    /// As FrameParser::step: call again with the rest until Event::more, close
    /// or refused. Events do not depend on how the input is split.
    Step step(std::span<char> input);
    Refusal refusal() const noexcept { return refusal_; }
    /// Gives back what an idle connection need not hold; ends the validity of
    /// the last message.
    void trim() noexcept;

private:
    Refusal take(const FrameParser::Step& piece);

    FrameParser parser_;
    std::optional<Inflater> inflater_;
    std::string buffer_;
    std::uint64_t limit_;
    Utf8Check utf8_;  ///< of what was inflated
    Refusal refusal_ = Refusal::none;
    bool assembling_ = false;  ///< the buffer holds the start of a message
};

/// Frames messages, each as one frame.
class MessageWriter {
public:
    MessageWriter(Role role, const std::optional<Deflate>& agreed, const Compression& how = {});

    /// Appends a message to `out`, compressed where that was agreed and pays.
    /// `compress` is false for a message that mixes a secret with text of
    /// somebody else's choice: its length would tell (as CRIME and BREACH did).
    void write(std::string& out, bool text, std::string_view payload, const std::optional<MaskKey>& mask = std::nullopt,
               bool compress = true);
    void trim() noexcept;

private:
    std::optional<Deflater> deflater_;
    std::string scratch_;
};

}  // namespace acp::wire::websocket
