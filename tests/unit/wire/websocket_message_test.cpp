#include <zlib.h>

#include <memory>
#include <random>

#include "websocket_events.h"
#include "wire/websocket/message.h"

using namespace acp::wire::websocket;

namespace {

Deflate terms(bool forget = false, std::uint8_t window = 15) {
    return {forget, forget, window, window};
}

auto reader(Role role, std::optional<Deflate> agreed, FrameLimits limits = {}) {
    return [=] { return std::make_unique<MessageReader>(role, limits, agreed); };
}
Lines client(std::string_view bytes, std::optional<Deflate> agreed = terms(), FrameLimits limits = {}) {
    return events_of(bytes, reader(Role::client, agreed, limits));
}

/// A compressed message in one frame, made by zlib itself, as a server sends it.
std::string deflated(std::string_view text, unsigned first = 0xc1) {
    z_stream stream{};
    REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    std::string out(deflateBound(&stream, static_cast<uLong>(text.size())) + 64, '\0');
    std::string in(text);
    stream.next_in = reinterpret_cast<Bytef*>(in.data());
    stream.avail_in = static_cast<uInt>(in.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    REQUIRE(deflate(&stream, Z_SYNC_FLUSH) == Z_OK);
    out.resize(out.size() - stream.avail_out - 4);
    deflateEnd(&stream);
    return frame(first, out, false);
}

std::string noise(std::size_t size) {
    std::mt19937 generator(7);  // NOLINT: the same in every run
    std::string out(size, '\0');
    for (char& c : out) c = static_cast<char>(generator());
    return out;
}

const std::string kProse =
    "The quick brown fox jumps over the lazy dog; the lazy dog does not mind the quick brown fox, "
    "and the quick brown fox jumps again over the dog, which is lazy.";

}  // namespace

TEST_CASE("the examples of RFC 7692 section 7.2.3", "[websocket]") {
    CHECK(client(from_hex("c1 07 f2 48 cd c9 c9 07 00")) == Lines{"text Hello"});
    CHECK(client(from_hex("41 03 f2 48 cd 80 04 c9 c9 07 00")) == Lines{"text Hello"});
    CHECK(client(from_hex("c1 07 f2 48 cd c9 c9 07 00 c1 05 f2 00 11 00 00")) == Lines{"text Hello", "text Hello"});
    CHECK(client(from_hex("c1 0b 00 05 00 fa ff 48 65 6c 6c 6f 00")) == Lines{"text Hello"});
    CHECK(client(from_hex("c1 08 f3 48 cd c9 c9 07 00 00")) == Lines{"text Hello"});
    CHECK(client(from_hex("c1 0d f2 48 05 00 00 00 ff ff ca c9 c9 07 00")) == Lines{"text Hello"});
    CHECK(client(from_hex("c1 01 00")) == Lines{"text "});
    // The window outlives a block with BFINAL.
    CHECK(client(from_hex("c1 08 f3 48 cd c9 c9 07 00 00 c1 05 f2 00 11 00 00")) == Lines{"text Hello", "text Hello"});
}

TEST_CASE("whole messages, compressed and not", "[websocket]") {
    CHECK(client(frame(0x01, "Hel", false) + frame(0x89, "p", false) + frame(0x80, "lo", false) +
                 frame(0x82, "", false) + frame(0x88, "\x03\xe8", false)) ==
          Lines{"ping p", "text Hello", "binary ", "close 1000 "});
    CHECK(client(deflated(kProse) + frame(0x81, "plain", false) + from_hex("c1 01 00")) ==
          Lines{"text " + kProse, "text plain", "text "});
    // An empty compressed message without its one byte: some peers send that.
    CHECK(client(frame(0xc1, "", false) + from_hex("c1 07 f2 48 cd c9 c9 07 00")) == Lines{"text ", "text Hello"});
    const std::string large = noise(100000);
    CHECK(client(deflated(large, 0xc2)) == Lines{"binary " + large});
}

TEST_CASE("a message in one piece stays in the input", "[websocket]") {
    MessageReader parser(Role::server, {}, std::nullopt);
    std::string bytes = frame(0x82, "abc");
    const auto step = parser.step(bytes);
    CHECK(step.data == "abc");
    CHECK(step.data.data() == bytes.data() + 6);
}

TEST_CASE("compressed messages that are refused", "[websocket]") {
    const struct {
        const char* what;
        std::string bytes;
        Refusal why;
    } table[] = {
        {"not agreed on", from_hex("c1 01 00"), Refusal::reserved_bits},
        {"reserved block type", from_hex("c1 02 07 00"), Refusal::bad_compression},
        {"bad stored length", from_hex("c1 0b 00 05 00 fa fe 48 65 6c 6c 6f 00"), Refusal::bad_compression},
        {"cut off in a block", from_hex("c1 05 f2 48 cd c9 c9"), Refusal::bad_compression},
        {"cut off in a stored block", from_hex("c1 07 00 05 00 fa ff 48 65"), Refusal::bad_compression},
        {"no byte behind BFINAL", from_hex("c1 07 f3 48 cd c9 c9 07 00"), Refusal::bad_compression},
        {"distance too far back", from_hex("c1 05 f2 00 11 00 00"), Refusal::bad_compression},
        {"text", deflated("abc\xff"), Refusal::bad_text},
        {"text cut off", deflated("abc\xe2\x82"), Refusal::bad_text},
        // Behind the text's fault another one, which a whole frame shows at once.
        {"text, then reserved block type", frame(0xc1, from_hex("00 01 00 fe ff ff 07 00"), false), Refusal::bad_text},
        {"text, then too large", deflated("\xff" + std::string(2U << 20U, 'x')), Refusal::bad_text},
        {"final blocks", frame(0xc1, from_hex("0300 0300 0300 0300 0300 0300 0300 0300 0300 00"), false),
         Refusal::too_many_final_blocks},
        {"too large", deflated(std::string(1U << 20U, 'x') + "y", 0xc2), Refusal::message_too_large},
        {"bomb", deflated(std::string(100U << 20U, 'x'), 0xc2), Refusal::message_too_large},
    };
    for (const auto& row : table) {
        INFO(row.what);
        const bool agreed = row.why != Refusal::reserved_bits;
        CHECK(client(row.bytes, agreed ? std::optional(terms()) : std::nullopt) ==
              Lines{"refused " + std::string(refusal_name(row.why))});
    }
    CHECK(close_code(Refusal::bad_compression) == 1007);
    CHECK(close_code(Refusal::too_many_final_blocks) == 1008);
}

TEST_CASE("limits count what a message unfolds to", "[websocket]") {
    FrameLimits limits;
    limits.message = 1000;
    const std::string exact(1000, 'x');
    CHECK(client(deflated(exact), terms(), limits) == Lines{"text " + exact});
    CHECK(client(deflated(exact + "y"), terms(), limits) == Lines{"refused message_too_large"});
    CHECK(client(frame(0x81, exact, false), terms(), limits) == Lines{"text " + exact});
    CHECK(client(frame(0x81, exact + "y", false), terms(), limits) == Lines{"refused message_too_large"});
    // Data that do not compress are longer on the wire, and still within.
    const std::string random = noise(1000);
    const std::string bytes = deflated(random, 0xc2);
    REQUIRE(bytes.size() > 1004);
    CHECK(client(bytes, terms(), limits) == Lines{"binary " + random});
    // But a message of blocks that make nothing ends.
    std::string empty_blocks;
    for (int i = 0; i < 400; ++i) empty_blocks += from_hex("00 00 00 ff ff");
    CHECK(client(frame(0xc1, empty_blocks + from_hex("00"), false), terms(), limits) ==
          Lines{"refused message_too_large"});
    limits.message = 0;
    CHECK(client(from_hex("c1 01 00"), terms(), limits) == Lines{"text "});
    CHECK(client(from_hex("c1 07 f2 48 cd c9 c9 07 00"), terms(), limits) == Lines{"refused message_too_large"});
}

TEST_CASE("without context takeover each message stands alone", "[websocket]") {
    const std::string first = from_hex("c1 07 f2 48 cd c9 c9 07 00");
    CHECK(client(first + first, terms(true)) == Lines{"text Hello", "text Hello"});
    CHECK(client(first + from_hex("c1 05 f2 00 11 00 00"), terms(true)) ==
          Lines{"text Hello", "refused bad_compression"});
}

TEST_CASE("what is written is read by the other end, whatever was agreed", "[websocket]") {
    const MaskKey key{1, 2, 3, 4};
    for (const bool forget : {false, true}) {
        for (const int window : {8, 9, 12, 15}) {
            for (const Role role : {Role::server, Role::client}) {
                INFO(forget << " " << window);
                const auto agreed = terms(forget, static_cast<std::uint8_t>(window));
                Compression how;
                how.window_bits = 15;
                MessageWriter writer(role, agreed, how);
                std::string bytes;
                Lines expected;
                const auto send = [&](bool text, const std::string& payload, bool compress = true) {
                    writer.write(bytes, text, payload, role == Role::client ? std::optional(key) : std::nullopt,
                                 compress);
                    expected.push_back((text ? "text " : "binary ") + payload);
                };
                send(true, kProse);
                send(true, kProse);
                send(true, "");
                send(false, noise(3000));
                send(true, kProse, false);
                for (int i = 0; i < 5; ++i) send(true, kProse);
                send(false, std::string(40000, 'z') + noise(500));
                writer.trim();
                send(true, kProse);
                const Role other = role == Role::server ? Role::client : Role::server;
                MessageReader parser(other, {}, agreed);
                Listener listener(parser);
                listener.feed(bytes);
                CHECK(listener.lines() == expected);
                parser.trim();
            }
        }
    }
}

TEST_CASE("messages are compressed when it pays", "[websocket]") {
    const auto written = [](MessageWriter& writer, std::string_view payload, bool compress = true) {
        std::string out;
        writer.write(out, false, payload, std::nullopt, compress);
        return out;
    };
    const auto is_compressed = [](const std::string& bytes) {
        return (static_cast<unsigned char>(bytes[0]) & 0x40U) != 0;
    };
    MessageWriter plain(Role::server, std::nullopt);
    CHECK_FALSE(is_compressed(written(plain, kProse)));
    MessageWriter writer(Role::server, terms());
    const std::string first = written(writer, kProse);
    CHECK(is_compressed(first));
    CHECK(first.size() < kProse.size());
    CHECK(written(writer, kProse).size() < 20);  // it remembers the first
    CHECK_FALSE(is_compressed(written(writer, kProse, false)));
    CHECK_FALSE(is_compressed(written(writer, "short")));
    CHECK_FALSE(is_compressed(written(writer, "")));
    MessageWriter forgetful(Role::server, terms(true));
    CHECK(written(forgetful, kProse) == written(forgetful, kProse));
    forgetful.trim();
    CHECK(is_compressed(written(forgetful, kProse)));
    // A window that zlib cannot make: no compression, though agreed on.
    MessageWriter tiny(Role::client, terms(false, 8));
    CHECK_FALSE(is_compressed(written(tiny, kProse)));

    // After data that do not compress some messages are not tried, then it is
    // tried again.
    const std::string random = noise(1000);
    CHECK(written(writer, random).size() == random.size() + 4);
    CHECK_FALSE(is_compressed(written(writer, kProse)));
    CHECK_FALSE(is_compressed(written(writer, kProse)));
    CHECK(is_compressed(written(writer, kProse)));
}

TEST_CASE("a window smaller than zlib's is kept to", "[websocket]") {
    // The same noise twice, further apart than 2^9 bytes: a window of 9 bits
    // cannot refer back, one of 12 can.
    const std::string block = noise(1024);
    const std::string text = std::string(200, 'a') + block + block;
    std::string small;
    std::string large;
    MessageWriter(Role::server, terms(false, 9)).write(small, false, text);
    MessageWriter(Role::server, terms(false, 12)).write(large, false, text);
    CHECK(small.size() > 2000);
    CHECK(large.size() < 1400);
    CHECK(client(small, terms(false, 9)) == Lines{"binary " + text});
    CHECK(client(large, terms(false, 12)) == Lines{"binary " + text});
}
