#include "wire/http2/meter.h"

#include <catch2/catch.hpp>
#include <string>

using acp::wire::http2::FrameMeter;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

/// Types of RFC 9113 section 6, as far as they are told apart.
enum Type : unsigned char { data = 0, headers = 1, rst_stream = 3, settings = 4, ping = 6, window_update = 8, continuation = 9 };
constexpr unsigned char kEndStream = 1, kEndHeaders = 4;

std::string frame(Type type, unsigned char flags, std::size_t size) {
    std::string out{static_cast<char>(size >> 16), static_cast<char>(size >> 8), static_cast<char>(size),
                    static_cast<char>(type), static_cast<char>(flags), 0, 0, 0, 1};
    return out + std::string(size, 'x');
}

std::string repeat(const std::string& one, int times) {
    std::string all;
    for (int i = 0; i < times; ++i) all += one;
    return all;
}

}  // namespace

TEST_CASE("requests and data cost nothing, however many there are") {
    FrameMeter meter(10, 0);
    const std::string request = frame(headers, kEndHeaders, 40) + frame(data, 0, 300) + frame(window_update, 0, 4) +
                                frame(data, kEndStream, 0);
    CHECK(meter.feed(repeat(request, 1000), 0) == FrameMeter::Flood::none);
}

TEST_CASE("control frames beyond the allowance are a flood, and time gives allowance back") {
    for (const std::string& one : {frame(ping, 0, 8), frame(settings, 0, 0), frame(rst_stream, 0, 4), frame(data, 0, 0),
                                   frame(static_cast<Type>(0xbe), 0, 5)}) {
        FrameMeter meter(10, 0);
        CHECK(meter.feed(repeat(one, 10), 0) == FrameMeter::Flood::none);
        CHECK(meter.feed(repeat(one, 5), kSecond / 2) == FrameMeter::Flood::none);
        CHECK(meter.feed(one, kSecond / 2) == FrameMeter::Flood::control);
    }
    FrameMeter meter(10, 0);
    CHECK(meter.spend(10, 0));
    CHECK_FALSE(meter.spend(1, 0));
    CHECK(meter.spend(10, 5 * kSecond));  // never more than one allowance
    CHECK_FALSE(meter.spend(1, 5 * kSecond));
}

TEST_CASE("a header block has a few CONTINUATION frames at the most") {
    FrameMeter meter(10, 0);
    const std::string more = frame(continuation, 0, 10);
    CHECK(meter.feed(frame(headers, 0, 10) + repeat(more, 7) + frame(continuation, kEndHeaders, 10), 0) ==
          FrameMeter::Flood::none);
    CHECK(meter.feed(frame(headers, 0, 10) + repeat(more, 9), 0) == FrameMeter::Flood::continuation);
}

TEST_CASE("what is counted does not depend on how it arrives") {
    const std::string bytes = frame(headers, kEndHeaders, 3) + repeat(frame(ping, 0, 8), 4) + frame(data, 0, 0);
    for (std::size_t split = 0; split <= bytes.size(); ++split) {
        FrameMeter exact(5, 0), scarce(4, 0);
        for (FrameMeter* meter : {&exact, &scarce}) {
            const auto first = meter->feed(std::string_view(bytes).substr(0, split), 0);
            const auto second = meter->feed(std::string_view(bytes).substr(split), 0);
            const bool flooded = first != FrameMeter::Flood::none || second != FrameMeter::Flood::none;
            CHECK(flooded == (meter == &scarce));
        }
    }
}

TEST_CASE("a head has begun until its last frame is there") {
    FrameMeter meter(100, 0);
    const auto after = [&](const std::string& bytes) {
        meter.feed(bytes, 0);
        return meter.in_head();
    };
    CHECK_FALSE(meter.in_head());
    CHECK(after(frame(headers, 0, 10).substr(0, 3)));
    CHECK(after(frame(headers, 0, 10).substr(3, 10)));
    CHECK(after(frame(headers, 0, 10).substr(13)));
    CHECK(after(frame(continuation, 0, 2)));
    CHECK_FALSE(after(frame(continuation, kEndHeaders, 2)));
    CHECK_FALSE(after(frame(data, 0, 100).substr(0, 50)));
    CHECK_FALSE(after(std::string(59, 'x')));
    CHECK_FALSE(after(frame(ping, 0, 8)));
}
