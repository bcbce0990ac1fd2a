// conformance: what holds for every stream that a plugin is lent, be it logs,
// a command or the answer of a route.
#pragma once

#include <memory>
#include <string>
#include <thread>

#include "bench.h"

namespace acp::conformance {

/// How long a stream that ends by itself may take to do so.
inline constexpr std::chrono::seconds kStreamLimit{15};

/// Opens the streams under test. There may be several kinds of them.
class StreamSource {
public:
    virtual ~StreamSource() = default;
    virtual int kinds() const { return 1; }
    virtual std::string name(int kind) const = 0;
    /// One that ends by itself. As ProviderClient: on failure the reference is back.
    virtual Answer open(int kind, FakeStream& stream, const FakeCall& call) = 0;
    /// One that goes on until the listener leaves, where there is such a thing.
    virtual Answer open_endless(int kind, FakeStream& stream, const FakeCall& call) { return open(kind, stream, call); }
    /// One that fails, because what it names does not exist.
    virtual Answer open_unknown(FakeStream& stream) = 0;
};

/// Opens by `open` while `listen` runs on a thread of its own: a plugin may wait
/// for credit before open returns. A failed open closes the stream.
template <typename Listen, typename Open>
Answer open_heard(FakeStream& stream, Listen listen, Open open) {
    std::jthread listener([&] { listen(stream); });
    try {
        const Answer answer = open(stream);
        if (!answer.ok()) stream.close();
        return answer;
    } catch (...) {
        stream.close();
        throw;
    }
}
/// Listeners: to the end; until something came, and then away.
void listen_to_end(FakeStream& stream);
void listen_and_leave(FakeStream& stream);

/// Counters that have to be nought, and at most one finish.
void expect_orderly(const FakeStream& stream, const std::string& name);
/// The plugin gives its reference back in time, and was orderly.
void expect_released(const Bench& bench, const FakeStream& stream, const std::string& name);

// The checks.
void finishes_once(Bench& bench, StreamSource& source);
void failure_keeps_reference(Bench& bench, StreamSource& source);
void ends_when_gone_before(Bench& bench, StreamSource& source);
void ends_when_gone_at_each_step(Bench& bench, StreamSource& source);
void ends_when_listener_leaves(Bench& bench, StreamSource& source);
void keeps_to_credit(Bench& bench, StreamSource& source);
void survives_failing_writes(Bench& bench, StreamSource& source);
void survives_throwing_writes(Bench& bench, StreamSource& source);
void opens_in_time(Bench& bench, StreamSource& source);
void streams_leave_nothing(Bench& bench, StreamSource& source);

/// `Body` with the source that `Make` gives.
template <std::unique_ptr<StreamSource> (*Make)(Bench&), void (*Body)(Bench&, StreamSource&)>
void over_streams(Bench& bench) {
    const auto source = Make(bench);
    Body(bench, *source);
}

}  // namespace acp::conformance
