#include "wire/websocket/frame.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/bytes.h"

namespace acp::wire::websocket {

namespace {

constexpr std::uint8_t kFin = 0x80;
constexpr std::uint8_t kRsv1 = 0x40;
constexpr std::uint8_t kReserved = 0x70;
constexpr std::uint8_t kOpcode = 0x0f;
constexpr std::uint8_t kMasked = 0x80;
constexpr std::uint8_t kLength = 0x7f;
constexpr std::uint8_t kLength16 = 126;
constexpr std::uint8_t kLength64 = 127;
constexpr std::size_t kControlMax = 125;
constexpr std::size_t kReasonMax = kControlMax - 2;

bool is_control(Opcode opcode) noexcept {
    return static_cast<std::uint8_t>(opcode) >= 8;
}

std::uint64_t big_endian(const std::uint8_t* p, std::size_t size) noexcept {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value = value << 8U | p[i];
    return value;
}

/// Data that do not compress grow by 4 % where zlib has its least memory; the
/// constant is for short messages.
std::uint64_t wire_limit(std::uint64_t message, bool compressed) noexcept {
    if (!compressed) return message;
    const std::uint64_t slack = message / 16 + 64;
    return message + std::min(slack, std::numeric_limits<std::uint64_t>::max() - message);
}

/// The key as it applies `count` bytes on.
MaskKey turned(const MaskKey& key, std::size_t count) noexcept {
    MaskKey out;
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = key[(i + count) % key.size()];
    return out;
}

}  // namespace

std::string_view refusal_name(Refusal refusal) noexcept {
    switch (refusal) {
        case Refusal::none:
            return "none";
        case Refusal::reserved_bits:
            return "reserved_bits";
        case Refusal::unknown_opcode:
            return "unknown_opcode";
        case Refusal::bad_mask:
            return "bad_mask";
        case Refusal::fragmented_control:
            return "fragmented_control";
        case Refusal::long_control:
            return "long_control";
        case Refusal::unexpected_continuation:
            return "unexpected_continuation";
        case Refusal::interleaved_message:
            return "interleaved_message";
        case Refusal::bad_length:
            return "bad_length";
        case Refusal::bad_close_size:
            return "bad_close_size";
        case Refusal::bad_close_code:
            return "bad_close_code";
        case Refusal::bad_close_reason:
            return "bad_close_reason";
        case Refusal::bad_text:
            return "bad_text";
        case Refusal::message_too_large:
            return "message_too_large";
        case Refusal::too_many_fragments:
            return "too_many_fragments";
        case Refusal::too_many_empty_fragments:
            return "too_many_empty_fragments";
        case Refusal::bad_compression:
            return "bad_compression";
        case Refusal::too_many_final_blocks:
            return "too_many_final_blocks";
        case Refusal::last_:
            break;
    }
    return "unknown";
}

std::uint16_t close_code(Refusal refusal) noexcept {
    switch (refusal) {
        case Refusal::bad_close_reason:
        case Refusal::bad_text:
        case Refusal::bad_compression:
            return 1007;
        case Refusal::too_many_fragments:
        case Refusal::too_many_empty_fragments:
        case Refusal::too_many_final_blocks:
            return 1008;
        case Refusal::message_too_large:
            return 1009;
        default:
            return 1002;
    }
}

bool is_close_code(std::uint16_t code) noexcept {
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

void apply_mask(std::span<char> data, const MaskKey& key) noexcept {
    std::uint64_t twice = 0;
    std::memcpy(&twice, key.data(), 4);
    std::memcpy(reinterpret_cast<char*>(&twice) + 4, key.data(), 4);
    char* p = data.data();
    std::size_t left = data.size();
    for (; left >= 8; left -= 8, p += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, p, 8);
        word ^= twice;
        std::memcpy(p, &word, 8);
    }
    for (std::size_t i = 0; i < left; ++i)
        p[i] = static_cast<char>(static_cast<std::uint8_t>(p[i]) ^ key[i % key.size()]);
}

/// FIN, RSV1 to RSV3 and opcode.
Refusal FrameParser::take_first(std::uint8_t byte) noexcept {
    fin_ = (byte & kFin) != 0;
    opcode_ = static_cast<Opcode>(byte & kOpcode);
    const bool starts = opcode_ == Opcode::text || opcode_ == Opcode::binary;
    // RFC 7692 section 6: RSV1 is the first frame's and no control frame's.
    const std::uint8_t permitted = compression_ && starts ? kRsv1 : 0;
    if ((byte & kReserved & ~permitted) != 0) return Refusal::reserved_bits;
    if (is_control(opcode_)) {
        if (opcode_ > Opcode::pong) return Refusal::unknown_opcode;
        return fin_ ? Refusal::none : Refusal::fragmented_control;
    }
    if (starts) {
        if (in_message_) return Refusal::interleaved_message;
        in_message_ = true;
        begun_ = false;
        text_ = opcode_ == Opcode::text;
        compressed_ = (byte & kRsv1) != 0;
        message_ = 0;
        fragments_ = 0;
        empty_fragments_ = 0;
        utf8_.reset();
    } else {
        if (opcode_ != Opcode::continuation) return Refusal::unknown_opcode;
        if (!in_message_) return Refusal::unexpected_continuation;
    }
    return ++fragments_ > limits_.fragments ? Refusal::too_many_fragments : Refusal::none;
}

/// Mask bit and the short length; knows then how long the head is.
Refusal FrameParser::take_second(std::uint8_t byte) noexcept {
    const bool masked = (byte & kMasked) != 0;
    if (masked != (role_ == Role::server)) return Refusal::bad_mask;
    const std::uint8_t length = byte & kLength;
    if (is_control(opcode_)) {
        if (length > kControlMax) return Refusal::long_control;
        if (opcode_ == Opcode::close && length == 1) return Refusal::bad_close_size;
    }
    const unsigned extended = length == kLength16 ? 2 : length == kLength64 ? 8 : 0;
    head_needs_ = static_cast<std::uint8_t>(2 + extended + (masked ? 4 : 0));
    left_ = length;
    return extended == 0 ? take_length() : Refusal::none;
}

/// All bytes of the length are there.
Refusal FrameParser::take_length() noexcept {
    if (left_ == kLength16) {
        left_ = big_endian(head_.data() + 2, 2);
        if (left_ < kLength16) return Refusal::bad_length;
    } else if (left_ == kLength64) {
        left_ = big_endian(head_.data() + 2, 8);
        if (left_ <= 0xffff || left_ >> 63U != 0) return Refusal::bad_length;
    }
    if (is_control(opcode_)) return Refusal::none;
    // message_ is within the limit, so the difference does not wrap.
    if (left_ > wire_limit(limits_.message, compressed_) - message_) return Refusal::message_too_large;
    message_ += left_;
    const bool fragment = !fin_ || opcode_ == Opcode::continuation;
    if (fragment && left_ == 0 && ++empty_fragments_ > limits_.empty_fragments)
        return Refusal::too_many_empty_fragments;
    return Refusal::none;
}

Refusal FrameParser::take_head_byte(std::uint8_t byte) noexcept {
    head_[head_size_++] = byte;
    if (head_size_ == 1) return take_first(byte);
    if (head_size_ == 2) return take_second(byte);
    const int length_end = head_needs_ - (role_ == Role::server ? 4 : 0);
    return head_size_ == length_end ? take_length() : Refusal::none;
}

void FrameParser::begin_payload() noexcept {
    if (role_ == Role::server) std::memcpy(mask_.data(), head_.data() + head_needs_ - 4, 4);
    head_size_ = 0;
    head_needs_ = 2;
    control_size_ = 0;
    phase_ = is_control(opcode_) ? Phase::control : Phase::data;
}

FrameParser::Step FrameParser::refuse(Refusal why, std::size_t used) noexcept {
    phase_ = Phase::refused;
    refusal_ = why;
    return {Event::refused, used};
}

/// The payload of a control frame is complete.
FrameParser::Step FrameParser::control_step(std::size_t used) noexcept {
    phase_ = Phase::head;
    const std::string_view payload(control_.data(), control_size_);
    if (opcode_ != Opcode::close) return {opcode_ == Opcode::ping ? Event::ping : Event::pong, used, payload};
    if (payload.empty()) {
        phase_ = Phase::closed;
        return {Event::close, used, {}, kNoCode};
    }
    const auto code = static_cast<std::uint16_t>(big_endian(reinterpret_cast<const std::uint8_t*>(payload.data()), 2));
    if (!is_close_code(code)) return refuse(Refusal::bad_close_code, used);
    const std::string_view reason = payload.substr(2);
    if (!is_utf8(reason)) return refuse(Refusal::bad_close_reason, used);
    phase_ = Phase::closed;
    return {Event::close, used, reason, code};
}

/// Takes what the input has of a data frame's payload.
FrameParser::Step FrameParser::data_step(std::span<char> input, std::size_t used) noexcept {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size() - used));
    const std::span<char> piece = input.subspan(used, size);
    if (role_ == Role::server) {
        apply_mask(piece, mask_);
        mask_ = turned(mask_, size);
    }
    used += size;
    left_ -= size;
    const bool last = fin_ && left_ == 0;
    const std::string_view data(piece.data(), piece.size());
    if (text_ && !compressed_ && (!utf8_.take(data) || (last && !utf8_.complete())))
        return refuse(Refusal::bad_text, used);
    if (left_ == 0) phase_ = Phase::head;
    if (last) in_message_ = false;
    const bool first = !begun_;
    begun_ = true;
    return {Event::data, used, data, 0, text_, compressed_, first, last};
}

FrameParser::Step FrameParser::step(std::span<char> input) noexcept {
    std::size_t used = 0;
    for (;;) {
        switch (phase_) {
            case Phase::head:
                if (used == input.size()) return {Event::more, used};
                if (const Refusal why = take_head_byte(static_cast<std::uint8_t>(input[used++])); why != Refusal::none)
                    return refuse(why, used);
                if (head_size_ == head_needs_) begin_payload();
                break;
            case Phase::control: {
                const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size() - used));
                const std::span<char> copy(control_.data() + control_size_, size);
                std::copy_n(input.data() + used, size, copy.data());
                if (role_ == Role::server) {
                    apply_mask(copy, mask_);
                    mask_ = turned(mask_, size);
                }
                control_size_ = static_cast<std::uint8_t>(control_size_ + size);
                used += size;
                left_ -= size;
                if (left_ == 0) return control_step(used);
                return {Event::more, used};
            }
            case Phase::data:
                if (left_ > 0 && used == input.size()) return {Event::more, used};
                // An empty fragment has nothing to tell unless it ends the message.
                if (left_ > 0 || fin_) return data_step(input, used);
                phase_ = Phase::head;
                break;
            case Phase::closed:
                return {Event::more, input.size()};
            case Phase::refused:
                return {Event::refused, 0};
        }
    }
}

FrameHead encode_head(const FrameSpec& spec, std::uint64_t payload_size) noexcept {
    FrameHead head{};
    auto put = [&](std::uint64_t byte) { head.bytes[head.size++] = static_cast<char>(byte & 0xffU); };
    put(static_cast<std::uint64_t>(spec.opcode) | (spec.fin ? kFin : 0U) | (spec.compressed ? kRsv1 : 0U));
    const std::uint64_t masked = spec.mask ? kMasked : 0U;
    std::size_t extended = 0;
    if (payload_size < kLength16) {
        put(masked | payload_size);
    } else if (payload_size <= 0xffff) {
        put(masked | kLength16);
        extended = 2;
    } else {
        put(masked | kLength64);
        extended = 8;
    }
    for (std::size_t i = extended; i-- > 0;) put(payload_size >> (8 * i));
    if (spec.mask)
        for (const std::uint8_t byte : *spec.mask) put(byte);
    return head;
}

void append_frame(std::string& out, const FrameSpec& spec, std::string_view payload) {
    const FrameHead head = encode_head(spec, payload.size());
    out.append(head.view());
    out.append(payload);
    if (spec.mask) apply_mask({out.data() + out.size() - payload.size(), payload.size()}, *spec.mask);
}

void append_close(std::string& out, std::uint16_t code, std::string_view reason, const std::optional<MaskKey>& mask) {
    const FrameSpec spec{Opcode::close, true, false, mask};
    if (!is_close_code(code)) return append_frame(out, spec, {});
    std::string payload{static_cast<char>(code >> 8U), static_cast<char>(code & 0xffU)};
    std::string text = repair_utf8(reason.substr(0, 4 * kReasonMax));
    if (text.size() > kReasonMax) {
        std::size_t end = kReasonMax;
        while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;
        text.resize(end);
    }
    append_frame(out, spec, payload + text);
}

}  // namespace acp::wire::websocket
