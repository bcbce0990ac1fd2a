// What a WebSocket parser made of some bytes, as lines to compare.
#pragma once

#include <catch2/catch.hpp>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/bytes.h"
#include "wire/websocket/message.h"

namespace acp::wire::websocket {

/// Bytes from hex with spaces.
inline std::string from_hex(std::string_view text) {
    std::string digits;
    for (const char c : text)
        if (c != ' ') digits += c;
    const auto bytes = unhex(digits);
    REQUIRE(bytes.has_value());
    return *bytes;
}

/// A frame with `first` (FIN, RSV, opcode) as given and the shortest length,
/// masked as a client's when `mask` is.
inline std::string frame(unsigned first, std::string_view payload, bool mask = true) {
    FrameSpec spec;
    if (mask) spec.mask = MaskKey{0x37, 0xfa, 0x21, 0x3d};
    std::string out;
    append_frame(out, spec, payload);
    out[0] = static_cast<char>(first);
    return out;
}

using Lines = std::vector<std::string>;

/// Feeds pieces of a connection and notes events: "text Hello", "close 1000 bye",
/// "refused bad_text".
template <typename Parser>
class Listener {
public:
    explicit Listener(Parser& parser) : parser_(parser) {}

    void feed(std::string_view bytes) {
        std::string copy(bytes);  // unmasked in place
        std::span<char> rest(copy);
        while (!over_) {
            const auto step = parser_.step(rest);
            REQUIRE(step.consumed <= rest.size());
            rest = rest.subspan(step.consumed);
            if (step.event == Event::more) {
                REQUIRE(rest.empty());
                return;
            }
            note(step);
        }
    }
    const Lines& lines() const { return lines_; }

private:
    using Event = typename Parser::Event;

    template <typename Step>
    void note(const Step& step) {
        const std::string data(step.data);
        switch (step.event) {
            case Event::more:
                break;
            case Event::ping:
                lines_.push_back("ping " + data);
                break;
            case Event::pong:
                lines_.push_back("pong " + data);
                break;
            case Event::close:
                lines_.push_back("close " + std::to_string(step.code) + " " + data);
                break;
            case Event::refused:
                lines_.push_back("refused " + std::string(refusal_name(parser_.refusal())));
                over_ = true;
                break;
            default:
                note_data(step);
                break;
        }
    }
    void note_data(const FrameParser::Step& step) {
        REQUIRE(step.first == message_.empty());
        REQUIRE((!step.data.empty() || step.last));
        if (step.first) message_ = std::string(step.compressed ? "deflated " : "") + (step.text ? "text " : "binary ");
        message_ += step.data;
        if (!step.last) return;
        lines_.push_back(message_);
        message_.clear();
    }
    void note_data(const MessageReader::Step& step) {
        lines_.push_back((step.text ? "text " : "binary ") + std::string(step.data));
    }

    Parser& parser_;
    Lines lines_;
    std::string message_;
    bool over_ = false;
};

/// Events of `bytes`, the same for every way to split them in two and for
/// single bytes. `make` makes a parser.
template <typename Make>
Lines events_of(std::string_view bytes, Make&& make) {
    const auto run = [&](std::vector<std::string_view> pieces) {
        auto parser = make();
        Listener<std::remove_reference_t<decltype(*parser)>> listener(*parser);
        for (const std::string_view piece : pieces) listener.feed(piece);
        return listener.lines();
    };
    const Lines whole = run({bytes});
    for (std::size_t at = 1; at < bytes.size() && at < 400; ++at) {
        INFO("split at " << at);
        REQUIRE(run({bytes.substr(0, at), bytes.substr(at)}) == whole);
    }
    std::vector<std::string_view> singles;
    for (std::size_t at = 0; at < bytes.size(); ++at) singles.push_back(bytes.substr(at, 1));
    REQUIRE(run(singles) == whole);
    return whole;
}

}  // namespace acp::wire::websocket
