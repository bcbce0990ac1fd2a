#include <memory>
#include <set>

#include "websocket_events.h"
#include "wire/websocket/frame.h"

using namespace acp::wire::websocket;

namespace {

auto reader(Role role, FrameLimits limits = {}, bool compression = false) {
    return [=] { return std::make_unique<FrameParser>(role, limits, compression); };
}

Lines server(std::string_view bytes, FrameLimits limits = {}, bool compression = false) {
    return events_of(bytes, reader(Role::server, limits, compression));
}
Lines client(std::string_view bytes) {
    return events_of(bytes, reader(Role::client));
}

std::string repeat(std::string_view text, std::size_t times) {
    std::string out;
    while (times-- > 0) out += text;
    return out;
}

}  // namespace

TEST_CASE("the frames of RFC 6455 section 5.7", "[websocket]") {
    CHECK(client(from_hex("81 05 48 65 6c 6c 6f")) == Lines{"text Hello"});
    CHECK(server(from_hex("81 85 37 fa 21 3d 7f 9f 4d 51 58")) == Lines{"text Hello"});
    CHECK(client(from_hex("01 03 48 65 6c 80 02 6c 6f")) == Lines{"text Hello"});
    CHECK(client(from_hex("89 05 48 65 6c 6c 6f")) == Lines{"ping Hello"});
    CHECK(server(from_hex("8a 85 37 fa 21 3d 7f 9f 4d 51 58")) == Lines{"pong Hello"});
    const std::string medium(256, 'x');
    CHECK(client(from_hex("82 7e 01 00") + medium) == Lines{"binary " + medium});
    const std::string large(65536, 'y');
    const std::string bytes = from_hex("82 7f 00 00 00 00 00 01 00 00") + large;
    CHECK(events_of(bytes, reader(Role::client)) == Lines{"binary " + large});
}

TEST_CASE("messages, fragments and what may come between them", "[websocket]") {
    CHECK(server(frame(0x81, "")) == Lines{"text "});
    CHECK(server(frame(0x82, "")) == Lines{"binary "});
    CHECK(server(frame(0x02, "") + frame(0x80, "")) == Lines{"binary "});
    CHECK(server(frame(0x02, "ab") + frame(0x80, "")) == Lines{"binary ab"});
    CHECK(server(frame(0x02, "") + frame(0x00, "ab") + frame(0x00, "") + frame(0x80, "c")) == Lines{"binary abc"});
    CHECK(server(frame(0x01, "Hel") + frame(0x89, "p") + frame(0x8a, "") + frame(0x80, "lo") + frame(0x82, "b")) ==
          Lines{"ping p", "pong ", "text Hello", "binary b"});
    // A character split between fragments.
    CHECK(server(frame(0x01, "\xe2\x82") + frame(0x89, "") + frame(0x80, "\xac")) ==
          Lines{"ping ", "text \xe2\x82\xac"});
    CHECK(server(frame(0x89, std::string(125, 'p'))) == Lines{"ping " + std::string(125, 'p')});
    // What follows a close frame is skipped, whatever it is.
    CHECK(server(frame(0x88,
                       "\x03\xe8"
                       "bye") +
                 "\xff\xff\xff" + frame(0x89, "late")) == Lines{"close 1000 bye"});
    CHECK(server(frame(0x01, "Hel") + frame(0x88, "")) == Lines{"close 1005 "});
}

TEST_CASE("pieces of a message come as they arrive", "[websocket]") {
    FrameParser parser(Role::server, {}, false);
    std::string bytes = frame(0x82, "abcdefghij");
    auto step = parser.step({bytes.data(), 9});
    CHECK(step.event == FrameParser::Event::data);
    CHECK(step.consumed == 9);
    CHECK(step.data == "abc");
    CHECK(step.data.data() == bytes.data() + 6);  // in place
    CHECK((step.first && !step.last));
    step = parser.step({bytes.data() + 9, bytes.size() - 9});
    CHECK(step.data == "defghij");
    CHECK((!step.first && step.last));
}

TEST_CASE("refused frames", "[websocket]") {
    const struct {
        const char* what;
        std::string bytes;
        Refusal why;
        std::uint16_t code;
    } table[] = {
        {"RSV1", frame(0xc1, "a"), Refusal::reserved_bits, 1002},
        {"RSV2", frame(0xa1, "a"), Refusal::reserved_bits, 1002},
        {"RSV3", frame(0x91, "a"), Refusal::reserved_bits, 1002},
        {"RSV1 on ping", frame(0xc9, ""), Refusal::reserved_bits, 1002},
        {"opcode 3", frame(0x83, "a"), Refusal::unknown_opcode, 1002},
        {"opcode 7", frame(0x87, "a"), Refusal::unknown_opcode, 1002},
        {"opcode 11", frame(0x8b, ""), Refusal::unknown_opcode, 1002},
        {"opcode 15", frame(0x8f, ""), Refusal::unknown_opcode, 1002},
        {"unknown opcode in a message", frame(0x01, "a") + frame(0x83, "a"), Refusal::unknown_opcode, 1002},
        {"unmasked", frame(0x81, "a", false), Refusal::bad_mask, 1002},
        {"unmasked close", frame(0x88, "", false), Refusal::bad_mask, 1002},
        {"fragmented ping", frame(0x09, ""), Refusal::fragmented_control, 1002},
        {"fragmented close", frame(0x08, ""), Refusal::fragmented_control, 1002},
        {"long ping", frame(0x89, std::string(126, 'a')), Refusal::long_control, 1002},
        {"very long pong", frame(0x8a, std::string(65536, 'a')), Refusal::long_control, 1002},
        {"continuation alone", frame(0x80, "a"), Refusal::unexpected_continuation, 1002},
        {"continuation behind a message", frame(0x81, "") + frame(0x80, ""), Refusal::unexpected_continuation, 1002},
        {"text in text", frame(0x01, "a") + frame(0x81, "b"), Refusal::interleaved_message, 1002},
        {"binary in text", frame(0x01, "a") + frame(0x02, "b"), Refusal::interleaved_message, 1002},
        {"125 in 16 bits", from_hex("82 fe 00 7d"), Refusal::bad_length, 1002},
        {"0 in 16 bits", from_hex("82 fe 00 00"), Refusal::bad_length, 1002},
        {"65535 in 64 bits", from_hex("82 ff 00 00 00 00 00 00 ff ff"), Refusal::bad_length, 1002},
        {"top bit", from_hex("82 ff 80 00 00 00 00 01 00 00"), Refusal::bad_length, 1002},
        {"close of one byte", frame(0x88, "\x03"), Refusal::bad_close_size, 1002},
        {"close reason", frame(0x88, "\x03\xe8\xff"), Refusal::bad_close_reason, 1007},
        {"close reason cut off", frame(0x88, "\x03\xe8\xe2\x82"), Refusal::bad_close_reason, 1007},
        {"text", frame(0x81, "a\xff"), Refusal::bad_text, 1007},
        {"text cut off", frame(0x81, "a\xe2\x82"), Refusal::bad_text, 1007},
        {"text cut off in fragments", frame(0x01, "a\xe2") + frame(0x80, ""), Refusal::bad_text, 1007},
        {"text across fragments", frame(0x01, "a\xe2\x82") + frame(0x00, "b"), Refusal::bad_text, 1007},
        {"surrogate across fragments", frame(0x01, "\xed") + frame(0x00, "\xa0"), Refusal::bad_text, 1007},
        {"1 MiB and one", from_hex("82 ff 00 00 00 00 00 10 00 01"), Refusal::message_too_large, 1009},
        {"2^63-1", from_hex("82 ff 7f ff ff ff ff ff ff ff"), Refusal::message_too_large, 1009},
        {"too large in fragments", frame(0x02, "a") + from_hex("80 ff 00 00 00 00 00 10 00 00"),
         Refusal::message_too_large, 1009},
        {"wrapping sum", frame(0x02, "a") + from_hex("80 ff 7f ff ff ff ff ff ff ff"), Refusal::message_too_large,
         1009},
        {"empty fragments", frame(0x02, "") + repeat(frame(0x00, ""), 16), Refusal::too_many_empty_fragments, 1008},
    };
    for (const auto& row : table) {
        INFO(row.what);
        const Lines lines = server(row.bytes);
        REQUIRE_FALSE(lines.empty());
        CHECK(lines.back() == "refused " + std::string(refusal_name(row.why)));
        CHECK(close_code(row.why) == row.code);
    }
    CHECK(client(frame(0x81, "a")) == Lines{"refused bad_mask"});
}

TEST_CASE("a fault is seen as soon as its bytes are there", "[websocket]") {
    const struct {
        std::string bytes;  ///< the last one is the fault
        Refusal why;
    } table[] = {
        {from_hex("c1"), Refusal::reserved_bits},
        {from_hex("83"), Refusal::unknown_opcode},
        {from_hex("80"), Refusal::unexpected_continuation},
        {from_hex("09"), Refusal::fragmented_control},
        {from_hex("81 05"), Refusal::bad_mask},
        {from_hex("89 fe"), Refusal::long_control},
        {from_hex("88 81"), Refusal::bad_close_size},
        {from_hex("82 fe 00 7d"), Refusal::bad_length},
        {from_hex("82 ff 00 00 00 00 00 10 00 01"), Refusal::message_too_large},
        {from_hex("81 8a 00 00 00 00 61 ed a0"), Refusal::bad_text},
    };
    for (const auto& row : table) {
        INFO(acp::hex(row.bytes));
        FrameParser parser(Role::server, {}, false);
        Listener listener(parser);
        listener.feed(std::string_view(row.bytes).substr(0, row.bytes.size() - 1));
        CHECK(parser.refusal() == Refusal::none);
        listener.feed(std::string_view(row.bytes).substr(row.bytes.size() - 1));
        CHECK(parser.refusal() == row.why);
        char byte = 0;
        CHECK(parser.step({&byte, 1}).event == FrameParser::Event::refused);  // and stays so
    }
}

TEST_CASE("close codes", "[websocket]") {
    const std::set<unsigned> good = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014};
    for (unsigned code = 0; code <= 0xffff; ++code) {
        const bool permitted = good.count(code) != 0 || (code >= 3000 && code <= 4999);
        if (is_close_code(static_cast<std::uint16_t>(code)) != permitted) FAIL(code);
    }
    for (const unsigned code : {0U, 999U, 1004U, 1005U, 1006U, 1015U, 2999U, 5000U, 65535U}) {
        const std::string payload{static_cast<char>(code >> 8U), static_cast<char>(code & 0xffU)};
        CHECK(server(frame(0x88, payload)) == Lines{"refused bad_close_code"});
        std::string written;
        append_close(written, static_cast<std::uint16_t>(code), "reason");
        CHECK(written == from_hex("88 00"));
    }
}

TEST_CASE("limits of a message and its fragments", "[websocket]") {
    FrameLimits limits;
    limits.message = 10;
    CHECK(server(frame(0x82, "0123456789"), limits) == Lines{"binary 0123456789"});
    CHECK(server(frame(0x82, "0123456789a"), limits) == Lines{"refused message_too_large"});
    CHECK(server(frame(0x02, "01234") + frame(0x80, "56789") + frame(0x82, "0123456789"), limits) ==
          Lines{"binary 0123456789", "binary 0123456789"});
    CHECK(server(frame(0x02, "01234") + frame(0x80, "56789a"), limits) == Lines{"refused message_too_large"});
    CHECK(server(frame(0x89, "0123456789a"), limits) == Lines{"ping 0123456789a"});
    limits.fragments = 3;
    const std::string three = frame(0x02, "a") + frame(0x00, "b") + frame(0x80, "c");
    CHECK(server(three + three, limits) == Lines{"binary abc", "binary abc"});
    CHECK(server(frame(0x02, "a") + frame(0x00, "b") + frame(0x00, "c") + frame(0x80, "d"), limits) ==
          Lines{"refused too_many_fragments"});
    limits = {};
    limits.empty_fragments = 2;
    CHECK(server(frame(0x02, "") + frame(0x80, ""), limits) == Lines{"binary "});
    CHECK(server(frame(0x02, "") + frame(0x00, "") + frame(0x80, ""), limits) ==
          Lines{"refused too_many_empty_fragments"});
    // Unfragmented empty messages are not fragments.
    CHECK(server(repeat(frame(0x82, ""), 5), limits).size() == 5);
}

TEST_CASE("RSV1 with permessage-deflate agreed", "[websocket]") {
    CHECK(server(frame(0xc1, "\xff"), {}, true) == Lines{"deflated text \xff"});  // not judged here
    CHECK(server(frame(0x41, "a") + frame(0x80, "b"), {}, true) == Lines{"deflated text ab"});
    CHECK(server(frame(0x41, "a") + frame(0xc0, "b"), {}, true) == Lines{"refused reserved_bits"});
    CHECK(server(frame(0xc9, ""), {}, true) == Lines{"refused reserved_bits"});
    CHECK(server(frame(0xc8, ""), {}, true) == Lines{"refused reserved_bits"});
    CHECK(server(frame(0xe1, ""), {}, true) == Lines{"refused reserved_bits"});
    CHECK(server(frame(0xc0, ""), {}, true) == Lines{"refused reserved_bits"});
    CHECK(server(frame(0x81, "\xff"), {}, true) == Lines{"refused bad_text"});
}

TEST_CASE("masking, at every size and alignment", "[websocket]") {
    const MaskKey key{0x01, 0x23, 0x45, 0x67};
    std::string plain;
    for (int i = 0; i < 80; ++i) plain += static_cast<char>(i * 7);
    for (std::size_t from = 0; from < 9; ++from) {
        for (std::size_t size = 0; size + from <= plain.size(); ++size) {
            std::string data = plain;
            apply_mask({data.data() + from, size}, key);
            for (std::size_t i = 0; i < plain.size(); ++i) {
                const bool inside = i >= from && i < from + size;
                const unsigned mask = inside ? key[(i - from) % 4] : 0U;
                if (static_cast<char>(static_cast<unsigned char>(plain[i]) ^ mask) != data[i])
                    FAIL(from << " " << size);
            }
        }
    }
}

TEST_CASE("what is written is read by the other end", "[websocket]") {
    for (const std::size_t size : {0UL, 1UL, 125UL, 126UL, 127UL, 65535UL, 65536UL, 70000UL}) {
        const std::string payload(size, 'z');
        std::string bytes;
        append_frame(bytes, {Opcode::binary, true, false, {}}, payload);
        FrameParser from_server(Role::client, {}, false);
        Listener one(from_server);
        one.feed(bytes);
        CHECK(one.lines() == Lines{"binary " + payload});

        bytes.clear();
        append_frame(bytes, {Opcode::text, true, false, MaskKey{9, 8, 7, 6}}, payload);
        FrameParser from_client(Role::server, {}, false);
        Listener two(from_client);
        two.feed(bytes);
        CHECK(two.lines() == Lines{"text " + payload});
    }
    CHECK(encode_head({Opcode::text, false, true, {}}, 5).view() == from_hex("41 05"));
    CHECK(encode_head({Opcode::binary, true, false, {}}, 65535).view() == from_hex("82 7e ff ff"));
    CHECK(encode_head({Opcode::binary, true, false, MaskKey{1, 2, 3, 4}}, 65536).view() ==
          from_hex("82 ff 00 00 00 00 00 01 00 00 01 02 03 04"));
}

TEST_CASE("close frames are written so that they may be sent", "[websocket]") {
    const auto written = [](std::uint16_t code, std::string_view reason) {
        std::string bytes;
        append_close(bytes, code, reason);
        return client(bytes);
    };
    CHECK(written(1000, "bye") == Lines{"close 1000 bye"});
    CHECK(written(kNoCode, "") == Lines{"close 1005 "});
    CHECK(written(4000, std::string(200, 'r')) == Lines{"close 4000 " + std::string(123, 'r')});
    // Cut before the character that does not fit.
    CHECK(written(1001, std::string(122, 'r') + "\xe2\x82\xac") == Lines{"close 1001 " + std::string(122, 'r')});
    CHECK(written(1001, std::string(120, 'r') + "\xe2\x82\xac") ==
          Lines{"close 1001 " + std::string(120, 'r') + "\xe2\x82\xac"});
    CHECK(written(1011, "a\xff") == Lines{"close 1011 a\xef\xbf\xbd"});
    std::string masked;
    append_close(masked, 1000, "x", MaskKey{1, 2, 3, 4});
    CHECK(server(masked) == Lines{"close 1000 x"});
}

TEST_CASE("refusals have distinct names", "[websocket]") {
    std::set<std::string_view> names;
    for (int i = 0; i < static_cast<int>(Refusal::last_); ++i) names.insert(refusal_name(static_cast<Refusal>(i)));
    CHECK(names.size() == static_cast<std::size_t>(Refusal::last_));
    CHECK(names.count("unknown") == 0);
}
