#include "open_stream.h"

#include <stdexcept>
#include <thread>

#include "text.h"
#include "workload.h"

namespace acp::conformance {

namespace {

/// Uses of a stream after which its listener leaves, from the first on.
constexpr int kSteps = 12;
/// Smaller than most outputs, so that they have to wait for credit.
constexpr uint64_t kSmallWindow = 256;
/// Two threads of a plugin may each write once before they know of the end.
constexpr int kLateWritesMax = 8;
/// More is no polling but a loop that burns a processor.
constexpr int kRefusalsMax = 1000;
constexpr std::chrono::milliseconds kHesitation{300};
constexpr const char* kHostThrew = "thrown by a callback of the host";

/// `body(kind, name)` for each kind that can be opened at all.
template <typename Body>
void for_each_kind(const Bench& bench, StreamSource& source, Body body) {
    Answer last;
    bool any = false;
    for (int kind = 0; kind < source.kinds(); ++kind) {
        {
            FakeStream probe;
            const FakeCall call(kStreamLimit);
            last = open_heard(probe, listen_and_leave, [&](FakeStream& s) { return source.open(kind, s, call); });
            if (!last.ok()) continue;
            expect_released(bench, probe, source.name(kind));
        }
        any = true;
        body(kind, source.name(kind));
    }
    if (!any) not_applicable("no stream can be opened: " + told(last));
}

void nought(int count, const std::string& what, const std::string& expected) {
    require(count == 0, what, expected, std::to_string(count) + " times");
}

}  // namespace

void listen_to_end(FakeStream& stream) {
    stream.read_to_end(kStreamLimit);
}

void listen_and_leave(FakeStream& stream) {
    stream.read_until([](const FakeStream::Output& o) { return !o.writes.empty(); }, kHesitation);
    stream.close(ACP_CLOSE_LISTENER);
}

void expect_orderly(const FakeStream& stream, const std::string& name) {
    const StreamConduct c = stream.conduct();
    require(c.finishes <= 1, name + " finishes its stream more than once", "one finish", std::to_string(c.finishes));
    require(c.event_tables <= 1, name + " sets its events more than once", "one set_events", std::to_string(c.event_tables));
    nought(c.writes_after_finish, name + " writes behind its own finish", "no write");
    nought(c.late_heads, name + " sets the head behind the first write", "headers before any write");
    nought(c.writes_too_large, name + " writes more than the window at once", "pieces that fit");
    nought(c.uses_after_release, name + " uses a stream whose reference it gave back", "no use");
    nought(c.releases_too_many, name + " gives back a reference that it does not have", "one release a reference");
    require(c.writes_after_end <= kLateWritesMax, name + " goes on writing although the stream has ended",
            "at most " + std::to_string(kLateWritesMax) + " writes", std::to_string(c.writes_after_end));
}

void expect_released(const Bench& bench, const FakeStream& stream, const std::string& name) {
    const bool released = stream.wait_released(bench.options().patience);
    // Disorder explains a reference that does not come.
    expect_orderly(stream, name);
    require(released, name + " does not give its stream back", "release within " + in_ms(bench.options().patience),
            std::to_string(stream.references()) + " references");
}

void finishes_once(Bench& bench, StreamSource& source) {
    for_each_kind(bench, source, [&](int kind, const std::string& name) {
        FakeStream stream;
        const FakeCall call(kStreamLimit);
        if (!open_heard(stream, listen_to_end, [&](FakeStream& s) { return source.open(kind, s, call); }).ok()) return;
        expect_orderly(stream, name);
        require(stream.finished(), name + " does not finish its stream", "finish", "none within 15 s");
        expect_released(bench, stream, name);
    });
}

void failure_keeps_reference(Bench& bench, StreamSource& source) {
    FakeStream stream;
    const Answer answer = source.open_unknown(stream);
    if (answer.ok()) {
        // Taken and ended with the failure: allowed, and checked as such.
        stream.read_to_end(kStreamLimit);
        expect_released(bench, stream, answer.operation);
        return;
    }
    expect_orderly(stream, answer.operation);
    const StreamConduct c = stream.conduct();
    nought(c.finishes, answer.operation + " failed, and finished the stream", "a stream left alone");
    nought(c.writes, answer.operation + " failed, and wrote to the stream", "a stream left alone");
    nought(stream.references(), answer.operation + " failed, and keeps a reference", "none");
}

void ends_when_gone_before(Bench& bench, StreamSource& source) {
    for_each_kind(bench, source, [&](int kind, const std::string& name) {
        FakeStream stream;
        stream.close(ACP_CLOSE_LISTENER);
        const FakeCall call(kStreamLimit);
        const Answer answer = source.open_endless(kind, stream, call);
        if (answer.ok()) return expect_released(bench, stream, name);
        expect_orderly(stream, name);
    });
}

void ends_when_gone_at_each_step(Bench& bench, StreamSource& source) {
    for_each_kind(bench, source, [&](int kind, const std::string& name) {
        for (int step = 0; step < kSteps; ++step) {
            FakeStream stream;
            stream.close_at_call(step);
            const FakeCall call(kStreamLimit);
            const Answer answer =
                open_heard(stream, listen_to_end, [&](FakeStream& s) { return source.open(kind, s, call); });
            if (answer.ok()) expect_released(bench, stream, name);
            expect_orderly(stream, name);
        }
    });
}

void ends_when_listener_leaves(Bench& bench, StreamSource& source) {
    for_each_kind(bench, source, [&](int kind, const std::string& name) {
        FakeStream stream;
        const FakeCall call(kStreamLimit);
        if (open_heard(stream, listen_and_leave, [&](FakeStream& s) { return source.open_endless(kind, s, call); }).ok())
            expect_released(bench, stream, name);
    });
}

void keeps_to_credit(Bench& bench, StreamSource& source) {
    for_each_kind(bench, source, [&](int kind, const std::string& name) {
        FakeStream wide, narrow(kSmallWindow);
        const FakeCall first(kStreamLimit), second(kStreamLimit);
        if (!open_heard(wide, listen_to_end, [&](FakeStream& s) { return source.open(kind, s, first); }).ok()) return;
        if (!wide.finished()) return;
        const auto hesitate = [](FakeStream& s) {
            std::this_thread::sleep_for(kHesitation);
            listen_to_end(s);
        };
        const Answer answer = open_heard(narrow, hesitate, [&](FakeStream& s) { return source.open(kind, s, second); });
        require(answer.ok(), name + " cannot be opened with a small window", "ACP_OK", told(answer));
        const StreamConduct c = narrow.conduct();
        require(c.refused_in_a_row <= kRefusalsMax, name + " tries again and again instead of waiting for credit",
                "wait_credit or on_credit", std::to_string(c.refused_in_a_row) + " refused writes in a row");
        require(narrow.finished(), name + " does not finish when credit is short", "finish", "none within 15 s");
        for (const auto member : {&FakeStream::Output::out, &FakeStream::Output::err})
            require((narrow.output().*member).size() >= (wide.output().*member).size(),
                    name + " drops what does not fit into the credit",
                    std::to_string((wide.output().*member).size()) + " bytes",
                    std::to_string((narrow.output().*member).size()));
        expect_released(bench, narrow, name);
    });
}

void survives_failing_writes(Bench& bench, StreamSource& source) {
    for_each_kind(bench, source, [&](int kind, const std::string& name) {
        for (const acp_status status : {ACP_E_INTERNAL, ACP_E_EXHAUSTED}) {
            FakeStream stream;
            stream.fail_writes(status);
            const FakeCall call(kStreamLimit);
            const auto listen = [&](FakeStream& s) {
                s.read_to_end(bench.options().patience);
                s.close();
            };
            if (open_heard(stream, listen, [&](FakeStream& s) { return source.open(kind, s, call); }).ok())
                expect_released(bench, stream, name);
        }
    });
}

void survives_throwing_writes(Bench& bench, StreamSource& source) {
    for_each_kind(bench, source, [&](int kind, const std::string& name) {
        FakeStream stream;
        stream.on_write([] { throw std::runtime_error(kHostThrew); });
        try {
            const FakeCall call(kStreamLimit);
            const auto listen = [&](FakeStream& s) {
                s.read_to_end(bench.options().patience);
                s.close();
            };
            if (open_heard(stream, listen, [&](FakeStream& s) { return source.open(kind, s, call); }).ok())
                expect_released(bench, stream, name);
        } catch (const CrossedBoundary& e) {
            if (std::string_view(e.what()).find(kHostThrew) == std::string_view::npos) throw;
        }
    });
}

void opens_in_time(Bench& bench, StreamSource& source) {
    for_each_kind(bench, source, [&](int kind, const std::string& name) {
        for (const bool over : {true, false}) {
            FakeStream stream;
            FakeCall call(over ? std::chrono::milliseconds(-1000) : std::chrono::milliseconds(kStreamLimit));
            if (!over) call.cancel();
            Answer answer;
            const auto took = timed([&] {
                answer = open_heard(stream, listen_and_leave, [&](FakeStream& s) { return source.open(kind, s, call); });
            });
            require(took <= bench.options().patience, name + " is opened long after its deadline or cancellation",
                    "an end within " + in_ms(bench.options().patience), in_ms(took));
            if (answer.ok()) expect_released(bench, stream, name);
        }
    });
}

void streams_leave_nothing(Bench& bench, StreamSource& source) {
    const auto rounds = [&](int count) {
        for (int i = 0; i < count; ++i)
            for (int kind = 0; kind < source.kinds(); ++kind) {
                FakeStream stream;
                const FakeCall call(kStreamLimit);
                const auto leave = [](FakeStream& s) { s.close(); };
                if (open_heard(stream, leave, [&](FakeStream& s) { return source.open_endless(kind, s, call); }).ok())
                    expect_released(bench, stream, source.name(kind));
            }
    };
    rounds(5);
    const auto before = quiet();
    rounds(15);
    // A plugin may clear away after a session when the next one is opened.
    for (int i = 0; i < 2; ++i) {
        settled(before.threads);
        rounds(1);
    }
    const auto after = settled(before.threads);
    require(after.descriptors.size() <= before.descriptors.size() + 3, "descriptors stay open after streams have ended",
            std::to_string(before.descriptors.size()), new_descriptors(before, after));
    require(after.threads <= before.threads + 1, "threads go on after streams have ended", std::to_string(before.threads),
            std::to_string(after.threads));
}

}  // namespace acp::conformance
