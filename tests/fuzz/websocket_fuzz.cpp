// Fuzz target of wire/websocket. The first byte chooses what is driven and as
// which end, the second where the input is split; the rest is the input.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "wire/websocket/handshake.h"
#include "wire/websocket/message.h"

using namespace acp::wire::websocket;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

bool inside(std::string_view part, std::span<const char> whole) {
    const std::less_equal<const char*> le;
    return le(whole.data(), part.data()) && le(part.data() + part.size(), whole.data() + whole.size());
}

/// What a parser made of its input, without where it was split.
struct Heard {
    std::vector<std::string> events;
    std::string unfinished;  ///< of a message whose end is missing
    bool over = false;
    bool closed = false;
    bool operator==(const Heard&) const = default;
};

void hear(const FrameParser::Step& step, std::span<const char> input, Heard& heard) {
    require(inside(step.data, input));
    require(!step.data.empty() || step.last);
    require(step.first == heard.unfinished.empty());
    if (step.first) heard.unfinished = step.compressed ? "deflated " : step.text ? "text " : "binary ";
    heard.unfinished += step.data;
    if (!step.last) return;
    if (step.text && !step.compressed) require(acp::is_utf8(heard.unfinished));
    heard.events.push_back(std::move(heard.unfinished));
    heard.unfinished.clear();
}

void hear(const MessageReader::Step& step, std::span<const char> /*input*/, Heard& heard) {
    if (step.text) require(acp::is_utf8(step.data));
    heard.events.push_back((step.text ? "text " : "binary ") + std::string(step.data));
}

template <typename Parser>
void feed(Parser& parser, std::string_view bytes, Heard& heard) {
    using Event = typename Parser::Event;
    std::string copy(bytes);  // unmasked in place
    std::span<char> rest(copy);
    while (!heard.over) {
        const auto step = parser.step(rest);
        require(step.consumed <= rest.size());
        require((step.event == Event::refused) == (parser.refusal() != Refusal::none));
        require(!heard.closed || step.event == Event::more);
        switch (step.event) {
            case Event::more:
                require(step.consumed == rest.size());
                return;
            case Event::ping:
                heard.events.push_back("ping " + std::string(step.data));
                break;
            case Event::pong:
                heard.events.push_back("pong " + std::string(step.data));
                break;
            case Event::close:
                require(step.code == kNoCode || is_close_code(step.code));
                require(acp::is_utf8(step.data));
                heard.closed = true;
                heard.events.push_back("close " + std::to_string(step.code) + " " + std::string(step.data));
                break;
            case Event::refused:
                heard.over = true;
                // How much of a refused message was handed out depends on the split.
                heard.unfinished.clear();
                heard.events.push_back("refused " + std::string(refusal_name(parser.refusal())));
                break;
            default:
                hear(step, rest, heard);
                break;
        }
        rest = rest.subspan(step.consumed);
    }
}

/// At once, in two and in small pieces.
template <typename Make>
void check_splits(std::string_view text, std::size_t split, Make&& make) {
    Heard whole;
    auto one = make();
    feed(one, text, whole);
    Heard in_two;
    auto two = make();
    feed(two, text.substr(0, split), in_two);
    feed(two, text.substr(split), in_two);
    require(whole == in_two);
    Heard in_many;
    auto many = make();
    for (std::size_t at = 0; at < text.size(); at += 3) feed(many, text.substr(at, 3), in_many);
    require(whole == in_many);
}

/// Messages cut from the input, each announced by a byte: written, then read by
/// the other end.
void check_round_trip(std::string_view text, std::size_t split, Role role, const std::optional<Deflate>& agreed) {
    Compression how;
    how.min_size = 4;
    MessageWriter writer(role, agreed, how);
    std::string bytes;
    Heard expected;
    for (std::size_t i = 0; text.size() >= 2 && i < 64; ++i) {
        const auto choice = static_cast<std::uint8_t>(text.front());
        text.remove_prefix(1);
        std::string payload(text.substr(0, choice >> 1U));
        text.remove_prefix(payload.size());
        // Long messages are made of short ones, so that all three lengths occur.
        if (choice % 16 == 15)
            for (int n = 0; n < (choice > 200 ? 10 : 3); ++n) payload += payload;
        const bool is_text = (choice & 1U) != 0 && acp::is_utf8(payload);
        std::optional<MaskKey> mask;
        if (role == Role::client) mask = MaskKey{choice, static_cast<std::uint8_t>(i), 0xa5, 0x3c};
        writer.write(bytes, is_text, payload, mask, choice % 8 != 7);
        expected.events.push_back((is_text ? "text " : "binary ") + payload);
    }
    std::optional<MaskKey> mask;
    if (role == Role::client) mask = MaskKey{1, 2, 3, 4};
    append_close(bytes, 1000, text, mask);
    MessageReader reader(role == Role::server ? Role::client : Role::server, {}, agreed);
    Heard heard;
    split = std::min(split, bytes.size());
    feed(reader, std::string_view(bytes).substr(0, split), heard);
    feed(reader, std::string_view(bytes).substr(split), heard);
    require(heard.closed && !heard.over);
    heard.events.pop_back();
    require(heard.events == expected.events);
}

/// What a server agrees to, a client of the same house understands.
void check_extensions(std::string_view text, const Deflate& wanted) {
    const std::vector<std::string_view> fields = {text.substr(0, text.find('\n')),
                                                  text.substr(std::min(text.find('\n'), text.size()))};
    const Negotiated chosen = choose_deflate(fields, wanted);
    require(!chosen.failed || !chosen.deflate);
    require(chosen.deflate.has_value() == !chosen.answer.empty());
    read_deflate_answer(fields, wanted);
    if (!chosen.deflate) return;
    require(chosen.deflate->server_max_window_bits >= 9 && chosen.deflate->client_max_window_bits >= 8);
    const std::vector<std::string_view> answer = {chosen.answer};
    const Negotiated read = read_deflate_answer(answer, Deflate{});
    require(!read.failed && read.deflate == chosen.deflate);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    if (size < 3) return 0;
    const unsigned choice = bytes[0];
    const std::string_view text(reinterpret_cast<const char*>(bytes) + 2, size - 2);
    const std::size_t split = text.size() * bytes[1] / 256;
    const Role role = (choice & 4U) != 0 ? Role::server : Role::client;
    FrameLimits limits;
    if ((choice & 8U) != 0) limits = {200, 4, 2};
    Deflate terms;
    terms.server_no_context_takeover = terms.client_no_context_takeover = (choice & 16U) != 0;
    terms.server_max_window_bits = terms.client_max_window_bits = (choice & 32U) != 0 ? 9 : 15;
    const std::optional<Deflate> agreed = (choice & 64U) != 0 ? std::optional(terms) : std::nullopt;
    switch (choice & 3U) {
        case 0:
            check_splits(text, split, [&] { return FrameParser(role, limits, agreed.has_value()); });
            break;
        case 1:
            check_splits(text, split, [&] { return MessageReader(role, limits, agreed); });
            break;
        case 2:
            check_round_trip(text, split, role, agreed);
            break;
        default:
            check_extensions(text, terms);
            break;
    }
    return 0;
}
