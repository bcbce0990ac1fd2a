#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "wire/http1/parse.h"

using namespace acp::wire::http1;

namespace {

struct Outcome {
    std::string data;
    ChunkDecoder::State state = ChunkDecoder::State::more;
    Refusal refusal = Refusal::none;
    std::size_t consumed = 0;

    bool operator==(const Outcome&) const = default;
};

void feed(ChunkDecoder& decoder, std::string_view input, Outcome& out) {
    if (out.state == ChunkDecoder::State::done || out.state == ChunkDecoder::State::refused) return;
    for (;;) {
        const ChunkDecoder::Step step = decoder.step(input);
        out.consumed += step.consumed;
        out.data.append(step.data);
        out.state = step.state;
        input.remove_prefix(step.consumed);
        if (step.state != ChunkDecoder::State::data) break;
    }
    out.refusal = decoder.refusal();
}

Outcome whole(std::string_view text) {
    ChunkDecoder decoder;
    Outcome out;
    feed(decoder, text, out);
    return out;
}

struct Row {
    std::string text;
    Refusal why = Refusal::none;  ///< none: complete, with `data`
    std::string data;
};

const std::vector<Row>& table() {
    static const std::vector<Row> rows = {
        {"0\r\n\r\n", Refusal::none, ""},
        {"5\r\nhello\r\n0\r\n\r\n", Refusal::none, "hello"},
        {"5\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\n", Refusal::none, "hello0123456789"},
        {"a\r\n\r\n\r\n\r\n\r\n\r\n\r\n0\r\n\r\n", Refusal::none, "\r\n\r\n\r\n\r\n\r\n"},
        {"0000000000000003\r\nabc\r\n000\r\n\r\n", Refusal::none, "abc"},
        {"3;name=value;q=\"x y\"\r\nabc\r\n0;last\r\n\r\n", Refusal::none, "abc"},
        {"1\r\na\r\n0\r\nX-Sum: 1\r\nY:\r\n\r\n", Refusal::none, "a"},
        {"\r\n", Refusal::bad_chunk_size, ""},
        {";x\r\n", Refusal::bad_chunk_size, ""},
        {"g\r\n", Refusal::bad_chunk_size, ""},
        {"0x5\r\nhello", Refusal::bad_chunk_size, ""},
        {"-1\r\n", Refusal::bad_chunk_size, ""},
        {"+1\r\n", Refusal::bad_chunk_size, ""},
        {" 1\r\n", Refusal::bad_chunk_size, ""},
        {"1 \r\n", Refusal::bad_chunk_size, ""},
        {"1 ;x\r\n", Refusal::bad_chunk_size, ""},
        {"8000000000000000\r\n", Refusal::bad_chunk_size, ""},
        {"00000000000000001\r\n", Refusal::bad_chunk_size, ""},
        {"5\nhello", Refusal::bare_lf, ""},
        {"5\rhello", Refusal::bare_cr, ""},
        {std::string("5\0\r\n", 4), Refusal::nul_byte, ""},
        {"5;a\nhello", Refusal::bare_lf, ""},
        {"5;a\x01\r\n", Refusal::bad_chunk_extension, ""},
        {"5;" + std::string(257, 'a') + "\r\n", Refusal::bad_chunk_extension, ""},
        {"5\r\nhello0\r\n\r\n", Refusal::bad_chunk_end, "hello"},
        {"5\r\nhello\n0\r\n\r\n", Refusal::bad_chunk_end, "hello"},
        {"5\r\nhello\rX", Refusal::bad_chunk_end, "hello"},
        {"0\r\n X: y\r\n\r\n", Refusal::bad_trailer, ""},
        {"0\r\nX: y\r\n z\r\n\r\n", Refusal::bad_trailer, ""},
        {"0\r\nX : y\r\n\r\n", Refusal::bad_trailer, ""},
        {"0\r\nX: \x01\r\n\r\n", Refusal::bad_trailer, ""},
        {"0\r\nX: " + std::string(8192, 'a') + "\r\n\r\n", Refusal::bad_trailer, ""},
        {"0\r\n" + std::string(8193, 'a'), Refusal::bad_trailer, ""},
        {"0\r\nX: y\n\r\n", Refusal::bare_lf, ""},
        {"0\r\n\rX", Refusal::bare_cr, ""},
        {"0\r\nX: y\r\r\n", Refusal::bare_cr, ""},
    };
    return rows;
}

}  // namespace

TEST_CASE("the chunked coding, accepted and refused") {
    for (const Row& row : table()) {
        INFO(row.text.substr(0, 60));
        const Outcome out = whole(row.text);
        CHECK(refusal_name(out.refusal) == refusal_name(row.why));
        CHECK(out.state == (row.why == Refusal::none ? ChunkDecoder::State::done : ChunkDecoder::State::refused));
        CHECK(out.data == row.data);
        if (row.why == Refusal::none) CHECK(out.consumed == row.text.size());
    }
}

TEST_CASE("extensions and trailers up to their bounds pass") {
    CHECK(whole("1;" + std::string(256, 'a') + "\r\nx\r\n0\r\n\r\n").state == ChunkDecoder::State::done);
    CHECK(whole("0\r\nX:" + std::string(8188, 'a') + "\r\n\r\n").state == ChunkDecoder::State::done);
}

TEST_CASE("bytes behind the last chunk are left alone") {
    const Outcome out = whole("1\r\na\r\n0\r\n\r\nGET / HTTP/1.1\r\n");
    CHECK(out.state == ChunkDecoder::State::done);
    CHECK(out.consumed == 11);
}

TEST_CASE("a decoder that is done or refused takes nothing more") {
    ChunkDecoder decoder;
    REQUIRE(decoder.step("0\r\n\r\n").state == ChunkDecoder::State::done);
    CHECK(decoder.step("5\r\nhello").state == ChunkDecoder::State::done);
    CHECK(decoder.step("5\r\nhello").consumed == 0);
    ChunkDecoder other;
    REQUIRE(other.step("x").state == ChunkDecoder::State::refused);
    CHECK(other.step("0\r\n\r\n").state == ChunkDecoder::State::refused);
}

TEST_CASE("chunks decode alike at every split, and byte by byte") {
    for (const Row& row : table()) {
        if (row.text.size() > 400) continue;
        INFO(row.text);
        const Outcome expected = whole(row.text);
        for (std::size_t split = 0; split <= row.text.size(); ++split) {
            ChunkDecoder decoder;
            Outcome out;
            feed(decoder, std::string_view(row.text).substr(0, split), out);
            feed(decoder, std::string_view(row.text).substr(split), out);
            REQUIRE(out == expected);
        }
        ChunkDecoder decoder;
        Outcome out;
        for (const char& c : row.text) feed(decoder, {&c, 1}, out);
        CHECK(out == expected);
    }
}
