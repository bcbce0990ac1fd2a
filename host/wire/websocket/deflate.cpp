#include "wire/websocket/deflate.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <new>

namespace acp::wire::websocket {

namespace {

/// What a flush ends with; it is not sent (RFC 7692 section 7.2.1).
constexpr std::string_view kTail("\x00\x00\xff\xff", 4);
constexpr std::size_t kStep = 16384;
constexpr std::size_t kInputMax = 1U << 30U;  // zlib counts input in 32 bits
constexpr std::size_t kWindowMax = 32768;
constexpr std::uint8_t kZlibWindowMin = 9;  // for raw DEFLATE
constexpr std::uint8_t kMissesMax = 6;      // 2^6 messages are skipped

// Of z_stream::data_type after Z_BLOCK: at a block's end, no bit left over.
constexpr int kBlockEnd = 128;
constexpr int kBlockBits = 128 + 64 + 63;

/// zlib reads its input only, but declares it otherwise.
Bytef* bytes(std::string_view text) noexcept {
    return reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));  // NOLINT
}

}  // namespace

void Inflater::End::operator()(z_stream_s* stream) const noexcept {
    inflateEnd(stream);
    delete stream;
}

/// Reads on behind a block with BFINAL. The window outlives it: as far as the
/// peer's compressor is concerned the message goes on.
Refusal Inflater::start_over() {
    if (++final_blocks_ > kMaxFinalBlocks) return Refusal::too_many_final_blocks;
    std::array<Bytef, kWindowMax> window;  // filled by zlib
    uInt size = 0;
    if (inflateGetDictionary(stream_.get(), window.data(), &size) != Z_OK || inflateReset(stream_.get()) != Z_OK ||
        inflateSetDictionary(stream_.get(), window.data(), size) != Z_OK)
        return Refusal::bad_compression;
    return Refusal::none;
}

Refusal Inflater::run(std::string_view input, int flush, std::string& out, std::uint64_t limit) {
    std::array<char, kStep> step;  // filled by zlib
    stream_->next_in = bytes(input);
    stream_->avail_in = static_cast<uInt>(input.size());
    for (;;) {
        stream_->next_out = reinterpret_cast<Bytef*>(step.data());
        stream_->avail_out = static_cast<uInt>(step.size());
        const int result = inflate(stream_.get(), flush);
        const std::size_t made = step.size() - stream_->avail_out;
        const auto fits = static_cast<std::size_t>(std::min<std::uint64_t>(made, limit - out.size()));
        out.append(step.data(), fits);
        if (made > fits) return Refusal::message_too_large;
        if (result == Z_STREAM_END) {
            if (const Refusal why = start_over(); why != Refusal::none) return why;
        } else if (result != Z_OK && result != Z_BUF_ERROR) {
            if (result == Z_MEM_ERROR) throw std::bad_alloc();
            return Refusal::bad_compression;
        }
        if (stream_->avail_in == 0 && stream_->avail_out != 0) return Refusal::none;
    }
}

Refusal Inflater::take(std::string_view piece, std::string& out, std::uint64_t limit) {
    if (piece.empty()) return Refusal::none;
    if (!stream_) {
        auto fresh = std::make_unique<z_stream>();
        if (inflateInit2(fresh.get(), -static_cast<int>(window_bits_)) != Z_OK) throw std::bad_alloc();
        stream_.reset(fresh.release());
    }
    begun_ = true;
    for (; !piece.empty(); piece.remove_prefix(std::min(piece.size(), kInputMax))) {
        const Refusal why = run(piece.substr(0, kInputMax), Z_SYNC_FLUSH, out, limit);
        if (why != Refusal::none) return why;
    }
    return Refusal::none;
}

Refusal Inflater::finish(std::string& out, std::uint64_t limit) {
    // An empty message is one byte, 0 (section 7.2.3.6). zlib makes nothing of a
    // second flush in a row, so that some peers send nothing: the same to us.
    if (!begun_) return Refusal::none;
    begun_ = false;
    final_blocks_ = 0;
    // Block by block, to see that the data do not end inside one.
    const Refusal why = run(kTail, Z_BLOCK, out, limit);
    if (why != Refusal::none) return why;
    if ((stream_->data_type & kBlockBits) != kBlockEnd) return Refusal::bad_compression;
    if (forgets_) inflateReset(stream_.get());
    return Refusal::none;
}

void Inflater::trim() noexcept {
    if (forgets_ && !begun_) stream_.reset();
}

void Deflater::End::operator()(z_stream_s* stream) const noexcept {
    deflateEnd(stream);
    delete stream;
}

Deflater::Deflater(std::uint8_t window_bits, bool forgets, const Compression& how) noexcept
    : how_(how), possible_(window_bits >= kZlibWindowMin), forgets_(forgets) {
    how_.window_bits = std::clamp(how_.window_bits, kZlibWindowMin, std::max(window_bits, kZlibWindowMin));
}

/// False as soon as the output is no shorter than the message.
bool Deflater::run(std::string_view message, std::string& out) {
    std::array<char, kStep> step;  // filled by zlib
    std::string_view left = message;
    while (!left.empty()) {
        const std::string_view input = left.substr(0, kInputMax);
        left.remove_prefix(input.size());
        stream_->next_in = bytes(input);
        stream_->avail_in = static_cast<uInt>(input.size());
        do {
            stream_->next_out = reinterpret_cast<Bytef*>(step.data());
            stream_->avail_out = static_cast<uInt>(step.size());
            deflate(stream_.get(), left.empty() ? Z_SYNC_FLUSH : Z_NO_FLUSH);
            out.append(step.data(), step.size() - stream_->avail_out);
            if (out.size() >= message.size() + kTail.size()) return false;
        } while (stream_->avail_out == 0);
    }
    out.resize(out.size() - kTail.size());
    return true;
}

bool Deflater::compress(std::string_view message, std::string& out) {
    if (!possible_ || message.size() < std::max<std::size_t>(how_.min_size, 1)) return false;
    if (skip_ > 0) {
        --skip_;
        return false;
    }
    if (!stream_) {
        auto fresh = std::make_unique<z_stream>();
        if (deflateInit2(fresh.get(), how_.level, Z_DEFLATED, -static_cast<int>(how_.window_bits), how_.memory_level,
                         Z_DEFAULT_STRATEGY) != Z_OK)
            throw std::bad_alloc();
        stream_.reset(fresh.release());
    }
    out.clear();
    const bool pays = run(message, out);
    misses_ = pays ? std::uint8_t{0} : static_cast<std::uint8_t>(std::min<int>(misses_ + 1, kMissesMax));
    if (!pays) skip_ = static_cast<std::uint8_t>(1U << misses_);
    // After a miss the peer's window lacks the message: ours must not refer to it.
    if (forgets_ || !pays) deflateReset(stream_.get());
    return pays;
}

void Deflater::trim() noexcept {
    if (forgets_) stream_.reset();
}

}  // namespace acp::wire::websocket
