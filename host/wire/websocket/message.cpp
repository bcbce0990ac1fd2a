#include "wire/websocket/message.h"

namespace acp::wire::websocket {

namespace {

/// A buffer that grew over this is not kept for the next message.
constexpr std::size_t kKeep = 65536;

void empty_out(std::string& buffer) noexcept {
    if (buffer.capacity() > kKeep) {
        buffer = std::string();
    } else {
        buffer.clear();
    }
}

}  // namespace

MessageReader::MessageReader(Role role, const FrameLimits& limits, const std::optional<Deflate>& agreed)
    : parser_(role, limits, agreed.has_value()), limit_(limits.message) {
    if (!agreed) return;
    if (role == Role::server) {
        inflater_.emplace(agreed->client_max_window_bits, agreed->client_no_context_takeover);
    } else {
        inflater_.emplace(agreed->server_max_window_bits, agreed->server_no_context_takeover);
    }
}

/// Adds a piece to the message. A message in one piece that needs no inflating
/// stays where it is.
Refusal MessageReader::take(const FrameParser::Step& piece) {
    if (!piece.compressed) {
        if (!piece.first || !piece.last) buffer_.append(piece.data);
        return Refusal::none;
    }
    if (piece.first) utf8_.reset();
    std::size_t judged = buffer_.size();
    const auto bad_text = [&] {
        const std::string_view fresh = std::string_view(buffer_).substr(judged);
        judged = buffer_.size();
        return piece.text && !utf8_.take(fresh);
    };
    Refusal why = inflater_->take(piece.data, buffer_, limit_);
    // The text comes first: its fault lies before the one that stopped inflating.
    if (bad_text()) return Refusal::bad_text;
    if (why != Refusal::none || !piece.last) return why;
    why = inflater_->finish(buffer_, limit_);
    if (why != Refusal::none) return why;
    return bad_text() || (piece.text && !utf8_.complete()) ? Refusal::bad_text : Refusal::none;
}

MessageReader::Step MessageReader::step(std::span<char> input) {
    if (refusal_ != Refusal::none) return {Event::refused};
    if (!assembling_) empty_out(buffer_);
    std::size_t used = 0;
    for (;;) {
        const FrameParser::Step piece = parser_.step(input.subspan(used));
        used += piece.consumed;
        switch (piece.event) {
            case FrameParser::Event::more:
                return {Event::more, used};
            case FrameParser::Event::ping:
                return {Event::ping, used, piece.data};
            case FrameParser::Event::pong:
                return {Event::pong, used, piece.data};
            case FrameParser::Event::close:
                return {Event::close, used, piece.data, piece.code};
            case FrameParser::Event::refused:
                refusal_ = parser_.refusal();
                return {Event::refused, used};
            case FrameParser::Event::data:
                break;
        }
        refusal_ = take(piece);
        if (refusal_ != Refusal::none) return {Event::refused, used};
        assembling_ = !piece.last;
        if (!piece.last) continue;
        const bool in_place = piece.first && !piece.compressed;
        return {Event::message, used, in_place ? piece.data : std::string_view(buffer_), 0, piece.text};
    }
}

void MessageReader::trim() noexcept {
    if (assembling_) return;
    buffer_ = std::string();
    if (inflater_) inflater_->trim();
}

MessageWriter::MessageWriter(Role role, const std::optional<Deflate>& agreed, const Compression& how) {
    if (!agreed) return;
    if (role == Role::server) {
        deflater_.emplace(agreed->server_max_window_bits, agreed->server_no_context_takeover, how);
    } else {
        deflater_.emplace(agreed->client_max_window_bits, agreed->client_no_context_takeover, how);
    }
}

void MessageWriter::write(std::string& out, bool text, std::string_view payload, const std::optional<MaskKey>& mask,
                          bool compress) {
    FrameSpec spec{text ? Opcode::text : Opcode::binary, true, false, mask};
    if (!compress || !deflater_ || !deflater_->compress(payload, scratch_)) return append_frame(out, spec, payload);
    spec.compressed = true;
    append_frame(out, spec, scratch_);
    empty_out(scratch_);
}

void MessageWriter::trim() noexcept {
    scratch_ = std::string();
    if (deflater_) deflater_->trim();
}

}  // namespace acp::wire::websocket
