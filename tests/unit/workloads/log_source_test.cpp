#include "workloads/log_source.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "json/json.h"

using namespace acp;
using namespace acp::workloads;
using Pulled = http::BodySource::Pulled;

namespace {

struct Listening {
    stream::Ref stream = stream::Ref::make({});
    int ends = 0;
    LogSource::Totals totals;
    std::unique_ptr<LogSource> source;

    explicit Listening(LogFormat format)
        : source(std::make_unique<LogSource>(stream, format, "/manage/workloads/web/logs", "req-1",
                                             [this](LogSource::Totals t) {
                                                 ++ends;
                                                 totals = std::move(t);
                                             })) {}
    std::string pull() {
        std::string out;
        while (source->pull(out) == Pulled::more) {
        }
        return out;
    }
};

constexpr const char* kLine = "2026-01-31T08:15:00.5Z r0 hello \"there\"\n";

Error gone() {
    Error e;
    e.code = Code::unavailable;
    e.slug = "provider_unavailable";
    e.message = "the backend went away";
    return e;
}

}  // namespace

TEST_CASE("the format follows Accept") {
    CHECK(log_format("") == LogFormat::sse);
    CHECK(log_format("*/*") == LogFormat::sse);
    CHECK(log_format("text/event-stream") == LogFormat::sse);
    CHECK(log_format("application/x-ndjson") == LogFormat::ndjson);
    CHECK(log_format("text/plain") == LogFormat::text);
    CHECK(media_type(LogFormat::sse) == "text/event-stream");
    CHECK(media_type(LogFormat::ndjson) == "application/x-ndjson");
}

TEST_CASE("a line splits into time, replica and text") {
    std::string_view time, replica, text;
    REQUIRE(split_line("T r0 a b  c", time, replica, text));
    CHECK(time == "T");
    CHECK(replica == "r0");
    CHECK(text == "a b  c");
    REQUIRE(split_line("T r0 ", time, replica, text));
    CHECK(text.empty());
    CHECK_FALSE(split_line("T r0", time, replica, text));
    CHECK_FALSE(split_line("", time, replica, text));
}

TEST_CASE("server-sent events carry an id, the line as JSON, and an end") {
    Listening l(LogFormat::sse);
    l.stream->write(ACP_CHANNEL_STDOUT, kLine);
    CHECK(l.pull() ==
          "id: 2026-01-31T08:15:00.5Z\nevent: log\ndata: "
          "{\"time\":\"2026-01-31T08:15:00.5Z\",\"replica\":\"r0\",\"stream\":\"stdout\",\"text\":\"hello "
          "\\\"there\\\"\"}\n\n");
    l.stream->finish({});
    std::string out;
    CHECK(l.source->pull(out) == Pulled::ended);
    CHECK(out == "event: end\ndata: {}\n\n");
    CHECK(l.ends == 1);
    CHECK(l.totals.ended == "finished");
    CHECK(l.totals.lines == 1);
    CHECK(l.totals.bytes == std::string_view(kLine).size());
    CHECK(l.source->heartbeat_ms() > 0);
    std::string beat;
    l.source->heartbeat(beat);
    CHECK(beat.starts_with(":"));
    CHECK(beat.ends_with("\n\n"));
}

TEST_CASE("a failure is an event for SSE, and an incomplete answer for the others") {
    Listening sse(LogFormat::sse);
    sse.stream->finish(gone());
    std::string out;
    CHECK(sse.source->pull(out) == Pulled::ended);
    REQUIRE(out.starts_with("event: error\ndata: {"));
    CHECK(out.find("the backend went away") != std::string::npos);
    CHECK(out.find("503") != std::string::npos);
    CHECK(sse.totals.ended == "failed");
    for (const auto format : {LogFormat::ndjson, LogFormat::text}) {
        Listening l(format);
        CHECK(l.source->heartbeat_ms() == 0);
        l.stream->write(ACP_CHANNEL_STDOUT, kLine);
        l.stream->finish(gone());
        out.clear();
        CHECK(l.source->pull(out) == Pulled::more);
        CHECK(l.source->pull(out) == Pulled::failed);
        CHECK(l.ends == 1);
    }
}

TEST_CASE("NDJSON is one object a line, text is the lines as they are") {
    Listening ndjson(LogFormat::ndjson);
    ndjson.stream->write(ACP_CHANNEL_STDERR, kLine);
    const auto line = ndjson.pull();
    CHECK(line.back() == '\n');
    const auto object = json::parse_object(line.substr(0, line.size() - 1)).value();
    CHECK(json::text_or(object, "stream") == "stderr");
    CHECK(json::text_or(object, "text") == "hello \"there\"");
    Listening text(LogFormat::text);
    text.stream->write(ACP_CHANNEL_STDOUT, kLine);
    CHECK(text.pull() == kLine);
}

TEST_CASE("lines are whole whatever the writes, and each channel has its own") {
    Listening l(LogFormat::text);
    l.stream->write(ACP_CHANNEL_STDOUT, "one\ntw");
    l.stream->write(ACP_CHANNEL_STDERR, "bad");
    CHECK(l.pull() == "one\n");
    l.stream->write(ACP_CHANNEL_STDOUT, "o\nthree\n");
    CHECK(l.pull() == "two\nthree\n");
    l.stream->write(ACP_CHANNEL_STDOUT, "rest");
    l.stream->finish({});
    CHECK(l.pull() == "rest\nbad\n");
    CHECK(l.totals.lines == 5);
}

TEST_CASE("bytes that are no UTF-8, and lines of another shape, still make JSON") {
    Listening l(LogFormat::ndjson);
    l.stream->write(ACP_CHANNEL_STDOUT, "T r0 \xff\xfe\n");
    l.stream->write(ACP_CHANNEL_STDERR, "shapeless\n");
    l.stream->write(ACP_CHANNEL_STDOUT, "\n");
    const auto out = l.pull();
    std::size_t at = 0, lines = 0;
    for (auto end = out.find('\n'); end != std::string::npos; end = out.find('\n', at)) {
        CHECK(json::parse_object(out.substr(at, end - at)));
        at = end + 1;
        ++lines;
    }
    CHECK(lines == 3);
    CHECK(out.find("\"text\":\"shapeless\"") != std::string::npos);
}

TEST_CASE("a line without an end goes out in parts") {
    Listening listening(LogFormat::text);
    const std::string piece(100'000, 'x');
    std::string out;
    for (int i = 0; i < 10; ++i) {
        REQUIRE(listening.stream->write(ACP_CHANNEL_STDOUT, piece) == ACP_OK);
        out += listening.pull();
    }
    CHECK(out.size() > 700'000);
    listening.stream->finish(std::nullopt);
    out += listening.pull();
    CHECK(std::count(out.begin(), out.end(), 'x') == 1'000'000);
    CHECK(std::count(out.begin(), out.end(), '\n') == 4);
}

TEST_CASE("the end is told once, with why") {
    Listening l(LogFormat::sse);
    SECTION("the listener left") {
        l.source->cancel(ACP_CLOSE_LISTENER);
        CHECK(l.totals.ended == "listener_gone");
    }
    SECTION("the server drains") {
        l.source->cancel(ACP_CLOSE_SHUTDOWN);
        CHECK(l.totals.ended == "shutdown");
    }
    SECTION("the source is dropped unread") {
        l.source.reset();
        CHECK(l.totals.ended == "listener_gone");
    }
    l.source.reset();
    CHECK(l.ends == 1);
    CHECK(l.stream->closed());
    CHECK(l.stream->write(ACP_CHANNEL_STDOUT, "x") == ACP_E_CLOSED);
}
