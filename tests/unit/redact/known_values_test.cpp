#include "redact/known_values.h"

#include <catch2/catch.hpp>
#include <string>
#include <thread>
#include <vector>

#include "redact/redactor.h"

using namespace acp::redact;

TEST_CASE("known values are found wherever they stand") {
    Redactor redactor;
    redactor.learn_value("correct horse");
    redactor.learn_value("correct horse battery");
    redactor.learn_value("short");
    CHECK(redactor.redact_text("correct horse") == "[redacted]");
    CHECK(redactor.redact_text("a correct horse b") == "a [redacted] b");
    CHECK(redactor.redact_text("xcorrect horse batteryx") == "x[redacted]x");
    CHECK(redactor.redact_text("correct horscorrect horse") == "correct hors[redacted]");
    CHECK(redactor.redact_text("correct hors") == "correct hors");
    CHECK(redactor.redact_text("short") == "short");
    CHECK(redactor.redact_text("b64 Y29ycmVjdCBob3JzZQ== end") == "b64 [redacted]== end");
}

TEST_CASE("values of any bytes are known, and none is taken for another") {
    Redactor redactor;
    std::string binary("\0\xff\x01 a\n\0z9", 9);
    redactor.learn_value(binary);
    CHECK(redactor.redact_text("<" + binary + ">") == "<[redacted]>");
    binary.back() = '8';
    CHECK(redactor.redact_text("<" + binary + ">") == "<" + binary + ">");
    for (int i = 0; i < 500; ++i) redactor.learn_value("value-number-" + std::to_string(i) + "!");
    CHECK(redactor.redact_text("value-number-499! value-number-500!") == "[redacted] value-number-500!");
}

TEST_CASE("learning and searching from several threads") {
    Redactor redactor;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&redactor, t] {
            for (int i = 0; i < 200; ++i) {
                std::string value = "thread" + std::to_string(t) + "-value" + std::to_string(i);
                redactor.learn_value(value);
                // Each thread looks for what it has itself learnt before.
                if (redactor.redact_text(value) != "[redacted]") std::abort();
            }
        });
    for (auto& thread : threads) thread.join();
    CHECK(redactor.redact_text("thread3-value199") == "[redacted]");
}
