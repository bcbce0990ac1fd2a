// Fuzz target of wire/http1. The first byte chooses the parser and the split.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>

#include "wire/http1/parse.h"

using namespace acp::wire::http1;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

bool inside(std::string_view part, std::string_view whole) {
    const std::less_equal<const char*> le;
    return part.empty() ||
           (le(whole.data(), part.data()) && le(part.data() + part.size(), whole.data() + whole.size()));
}

void check_head(const Head& head, std::string_view text) {
    require(head.size > 0 && head.size <= text.size());
    require(head.field_count <= kMaxFields);
    require(text.substr(head.size - 4, 4) == "\r\n\r\n" || head.field_count == 0);
    for (std::size_t i = 0; i < head.field_count; ++i) {
        require(inside(head.fields[i].name, text) && inside(head.fields[i].value, text));
        require(is_token(head.fields[i].name) && is_field_value(head.fields[i].value));
    }
    require(head.framing == Framing::length || head.framing == Framing::none || !head.field("content-length").data());
}

struct Verdict {
    Parse parse = Parse::incomplete;
    Refusal refusal = Refusal::none;
    std::size_t size = 0;
    bool operator==(const Verdict&) const = default;
};

/// Parses `text` at once, or after its first `split` bytes.
template <typename Head, typename ParseHead>
Verdict verdict(std::string_view text, std::size_t split, ParseHead&& parse) {
    Head head;
    std::size_t scanned = 0;
    Verdict v;
    if (split > 0) v.parse = parse(text.substr(0, split), scanned, head, v.refusal);
    if (v.parse == Parse::incomplete) v.parse = parse(text, scanned, head, v.refusal);
    require((v.parse == Parse::refused) == (v.refusal != Refusal::none));
    if (v.parse != Parse::complete) return v;
    check_head(head, text);
    if constexpr (std::is_same_v<Head, RequestHead>) {
        require(inside(head.method, text) && inside(head.target, text) && inside(head.authority, text));
        require(is_token(head.method) && !head.target.empty());
        require(head.minor == 0 || !head.authority.empty());
    } else {
        require(inside(head.reason, text) && head.status >= 100 && head.status <= 599);
    }
    v.size = head.size;
    return v;
}

struct Decoded {
    std::string data;
    ChunkDecoder::State state = ChunkDecoder::State::more;
    std::size_t consumed = 0;
    bool operator==(const Decoded&) const = default;
};

void decode(ChunkDecoder& decoder, std::string_view input, Decoded& out) {
    if (out.state == ChunkDecoder::State::done || out.state == ChunkDecoder::State::refused) return;
    for (;;) {
        const ChunkDecoder::Step step = decoder.step(input);
        require(step.consumed <= input.size() && inside(step.data, input));
        require(step.state != ChunkDecoder::State::data || !step.data.empty());
        out.data.append(step.data);
        out.consumed += step.consumed;
        out.state = step.state;
        input.remove_prefix(step.consumed);
        if (step.state == ChunkDecoder::State::data) continue;
        require(step.state != ChunkDecoder::State::more || input.empty());
        return;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    if (size < 2) return 0;
    const unsigned choice = bytes[0];
    const std::string_view text(reinterpret_cast<const char*>(bytes) + 1, size - 1);
    const std::size_t split = text.size() * (choice >> 2) / 64;
    switch (choice & 3U) {
        case 0:
        case 1: {
            HeadLimits limits;
            if ((choice & 1U) != 0) limits = {128, 4, 32};
            const auto parse = [&](std::string_view part, std::size_t& scanned, RequestHead& head, Refusal& refusal) {
                return parse_request(part, limits, scanned, head, refusal);
            };
            require(verdict<RequestHead>(text, 0, parse) == verdict<RequestHead>(text, split, parse));
            break;
        }
        case 2: {
            const auto parse = [&](std::string_view part, std::size_t& scanned, ResponseHead& head, Refusal& refusal) {
                return parse_response(part, {}, scanned, "GET", head, refusal);
            };
            require(verdict<ResponseHead>(text, 0, parse) == verdict<ResponseHead>(text, split, parse));
            break;
        }
        default: {
            ChunkDecoder one;
            Decoded at_once;
            decode(one, text, at_once);
            ChunkDecoder two;
            Decoded in_two;
            decode(two, text.substr(0, split), in_two);
            decode(two, text.substr(split), in_two);
            require(at_once == in_two);
            break;
        }
    }
    return 0;
}
