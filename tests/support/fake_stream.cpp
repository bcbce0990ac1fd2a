#include "support/fake_stream.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "alphaswarm-cp/sdk/error.hpp"

using Frame = std::pair<uint8_t, std::string>;

// The host's side of a stream. `mutex` guards everything but `refs`.
struct acp_stream {
    explicit acp_stream(uint64_t window_bytes)
        : window(window_bytes), credit(window_bytes), send_window(window_bytes) {}

    const uint64_t window;
    std::atomic<int> refs{1};
    std::mutex mutex;
    std::condition_variable changed;
    uint64_t credit;
    uint64_t send_window;
    std::deque<Frame> outgoing;  // plugin -> listener, not yet read
    std::deque<Frame> incoming;  // listener -> plugin, not yet delivered
    acp_stream_events events{};
    bool has_events = false, starved = false, credit_due = false;
    bool finished = false, close_due = false, closed = false, quit = false;
    int32_t reason = ACP_CLOSE_FINISHED;
    acp_status finish_status = ACP_OK;
    std::string finish_message;
    int32_t http_status = 0;
    std::thread dispatcher;

    bool over() const { return finished || close_due; }
    void dispatch();
    void drop() {
        if (refs.fetch_sub(1) == 1) delete this;
    }
};

// Delivers callbacks, one at a time and never under the mutex.
void acp_stream::dispatch() {
    std::unique_lock lock(mutex);
    for (;;) {
        changed.wait(lock, [&] {
            const bool end = close_due || (finished && outgoing.empty());
            return quit || (has_events && (!incoming.empty() || credit_due)) || (end && !closed);
        });
        if (has_events && !close_due && !finished && !incoming.empty()) {
            Frame frame = std::move(incoming.front());
            incoming.pop_front();
            lock.unlock();
            if (events.on_data) events.on_data(events.ctx, frame.first, acp::sdk::bytes(frame.second));
            lock.lock();
        } else if (has_events && credit_due && !over()) {
            credit_due = false;
            const uint64_t now = credit;
            lock.unlock();
            if (events.on_credit) events.on_credit(events.ctx, now);
            lock.lock();
        } else if (!closed && (close_due || (finished && outgoing.empty()))) {
            closed = true;
            incoming.clear();
            const bool tell = has_events && events.on_close;
            lock.unlock();
            if (tell) events.on_close(events.ctx, reason);
            lock.lock();
            changed.notify_all();
        } else if (quit) {
            return;
        } else {
            incoming.clear();
            credit_due = false;
        }
    }
}

namespace acp::test {

namespace {

acp_status set_events(acp_stream* s, const acp_stream_events* events) {
    std::unique_lock lock(s->mutex);
    if (s->has_events) return ACP_E_CONFLICT;
    s->events = *events;
    s->has_events = true;
    if (s->closed) {
        lock.unlock();
        if (events->on_close) events->on_close(events->ctx, s->reason);
        return ACP_OK;
    }
    s->changed.notify_all();
    return ACP_OK;
}

acp_status headers(acp_stream* s, int32_t status, const acp_pair*, size_t, size_t) {
    std::lock_guard lock(s->mutex);
    if (s->http_status != 0) return ACP_E_CONFLICT;
    s->http_status = status;
    return ACP_OK;
}

acp_status write(acp_stream* s, uint8_t channel, acp_bytes bytes) {
    std::lock_guard lock(s->mutex);
    if (s->over()) return ACP_E_CLOSED;
    if (bytes.len > s->window) return ACP_E_INVALID;
    if (bytes.len > s->credit) {
        s->starved = true;
        return ACP_E_WOULD_BLOCK;
    }
    s->credit -= bytes.len;
    s->outgoing.emplace_back(channel, std::string(reinterpret_cast<const char*>(bytes.ptr), bytes.len));
    s->changed.notify_all();
    return ACP_OK;
}

acp_status wait_credit(acp_stream* s, uint64_t bytes, int64_t timeout_ms) {
    std::unique_lock lock(s->mutex);
    const bool there = s->changed.wait_for(lock, std::chrono::milliseconds(timeout_ms),
                                           [&] { return s->over() || s->credit >= bytes; });
    if (s->over()) return ACP_E_CLOSED;
    return there ? ACP_OK : ACP_E_DEADLINE;
}

void consumed(acp_stream* s, uint64_t bytes) {
    std::lock_guard lock(s->mutex);
    s->send_window = std::min(s->window, s->send_window + bytes);
    s->changed.notify_all();
}

void finish(acp_stream* s, acp_error* error) {
    {
        std::lock_guard lock(s->mutex);
        if (!s->over()) {
            s->finished = true;
            if (error) {
                s->finish_status = error->code;
                s->finish_message = sdk::text(error->message);
            }
            s->changed.notify_all();
        }
    }
    if (error && error->release) error->release(error);
}

const acp_host_stream kTable = {
    sizeof(acp_host_stream),
    0,
    &set_events,
    &headers,
    &write,
    [](acp_stream* s) -> uint64_t {
        std::lock_guard lock(s->mutex);
        return s->credit;
    },
    [](acp_stream* s) -> uint64_t { return s->window; },
    &wait_credit,
    &consumed,
    &finish,
    [](acp_stream* s) -> int32_t {
        std::lock_guard lock(s->mutex);
        return s->over() ? 1 : 0;
    },
    [](acp_stream* s) { s->refs.fetch_add(1); },
    [](acp_stream* s) { s->drop(); },
};

}  // namespace

const acp_host_stream* fake_stream_table() noexcept {
    return &kTable;
}

FakeStream::FakeStream(uint64_t window) : raw_(new acp_stream(window)) {
    raw_->dispatcher = std::thread([s = raw_] { s->dispatch(); });
}

FakeStream::~FakeStream() {
    close(ACP_CLOSE_SHUTDOWN);
    {
        std::lock_guard lock(raw_->mutex);
        raw_->close_due = true;  // also a finished stream nobody read to its end
        raw_->quit = true;
        raw_->changed.notify_all();
    }
    raw_->dispatcher.join();
    raw_->drop();
}

acp_stream* FakeStream::lend() {
    raw_->refs.fetch_add(1);
    return raw_;
}

void FakeStream::take_back() {
    raw_->drop();
}

bool FakeStream::read_one(Clock limit) {
    std::unique_lock lock(raw_->mutex);
    raw_->changed.wait_for(lock, limit, [&] { return !raw_->outgoing.empty() || raw_->over(); });
    if (raw_->outgoing.empty()) return false;
    auto [channel, bytes] = std::move(raw_->outgoing.front());
    raw_->outgoing.pop_front();
    raw_->credit += bytes.size();
    if (std::exchange(raw_->starved, false)) raw_->credit_due = true;
    raw_->changed.notify_all();
    lock.unlock();
    if (channel == ACP_CHANNEL_STATUS) {
        output_.status += bytes;
    } else {
        (channel == ACP_CHANNEL_STDERR ? output_.err : output_.out) += bytes;
        output_.writes.push_back(std::move(bytes));
    }
    return true;
}

bool FakeStream::read_to_end(Clock limit) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (read_one(std::chrono::duration_cast<Clock>(end - std::chrono::steady_clock::now()))) {
    }
    return finished();
}

bool FakeStream::send(uint8_t channel, std::string_view bytes, Clock limit) {
    while (!bytes.empty()) {
        std::unique_lock lock(raw_->mutex);
        const bool there = raw_->changed.wait_for(lock, limit, [&] { return raw_->over() || raw_->send_window > 0; });
        if (!there || raw_->over()) return false;
        const auto piece = bytes.substr(0, static_cast<size_t>(std::min<uint64_t>(raw_->send_window, bytes.size())));
        raw_->send_window -= piece.size();
        raw_->incoming.emplace_back(channel, std::string(piece));
        raw_->changed.notify_all();
        bytes.remove_prefix(piece.size());
    }
    return true;
}

bool FakeStream::half_close(uint8_t channel) {
    std::lock_guard lock(raw_->mutex);
    if (raw_->over()) return false;
    raw_->incoming.emplace_back(uint8_t{ACP_CHANNEL_CLOSE}, std::string(1, static_cast<char>(channel)));
    raw_->changed.notify_all();
    return true;
}

void FakeStream::close(int32_t reason) {
    std::lock_guard lock(raw_->mutex);
    if (raw_->over()) return;
    raw_->close_due = true;
    raw_->reason = reason;
    raw_->outgoing.clear();
    raw_->changed.notify_all();
}

bool FakeStream::finished() const {
    std::lock_guard lock(raw_->mutex);
    return raw_->finished;
}

acp_status FakeStream::finish_status() const {
    std::lock_guard lock(raw_->mutex);
    return raw_->finish_status;
}

std::string FakeStream::finish_message() const {
    std::lock_guard lock(raw_->mutex);
    return raw_->finish_message;
}

std::optional<int32_t> FakeStream::close_reason() const {
    std::lock_guard lock(raw_->mutex);
    return raw_->closed ? std::optional<int32_t>(raw_->reason) : std::nullopt;
}

int32_t FakeStream::http_status() const {
    std::lock_guard lock(raw_->mutex);
    return raw_->http_status;
}

int FakeStream::references() const {
    return raw_->refs.load() - 1;
}

bool FakeStream::wait_released(Clock limit) const {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (references() > 0) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
}

bool FakeStream::wait_finished(Clock limit) const {
    std::unique_lock lock(raw_->mutex);
    return raw_->changed.wait_for(lock, limit, [&] { return raw_->finished; });
}

}  // namespace acp::test
