#include "alphaswarm-cp/conformance/fake_stream.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "alphaswarm-cp/sdk/error.hpp"

using Frame = std::pair<uint8_t, std::string>;

// The host's side of a stream; `mutex` guards everything. It lives until its
// owner has gone and the plugin has no reference, so that a reference given
// back too often is counted here instead of ending in freed memory.
struct acp_stream {
    explicit acp_stream(uint64_t window_bytes)
        : window(window_bytes), credit(window_bytes), send_window(window_bytes) {}

    const uint64_t window;
    int refs = 0;  // the plugin's
    bool owned = true;
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
    acp::conformance::StreamConduct conduct;
    int refused_run = 0;
    bool told = false;  // the plugin knows that the stream ended
    acp_status write_fault = ACP_OK;
    int calls_left = -1;
    std::function<void()> write_hook;
    std::thread dispatcher;

    bool over() const { return finished || close_due; }
    void dispatch();
    void close(int32_t why) {
        if (over()) return;
        close_due = true;
        reason = why;
        outgoing.clear();
        changed.notify_all();
    }
    // Every function of the table but retain and release begins with it.
    void touch() {
        if (refs == 0) ++conduct.uses_after_release;
        if (calls_left >= 0 && calls_left-- == 0) close(ACP_CLOSE_LISTENER);
    }
    acp_status tell_closed() {
        told = true;
        return ACP_E_CLOSED;
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
            told = told || tell;
            changed.notify_all();
        } else if (quit) {
            return;
        } else {
            incoming.clear();
            credit_due = false;
        }
    }
}

namespace acp::conformance {

namespace {

acp_status set_events(acp_stream* s, const acp_stream_events* events) {
    std::unique_lock lock(s->mutex);
    s->touch();
    ++s->conduct.event_tables;
    if (!events || events->struct_size < sizeof *events) return ACP_E_INVALID;
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
    s->touch();
    ++s->conduct.heads;
    if (status < 200 || status > 599) return ACP_E_INVALID;
    if (s->conduct.writes > 0) ++s->conduct.late_heads;
    if (s->http_status != 0 || s->conduct.writes > 0) return ACP_E_CONFLICT;
    s->http_status = status;
    return ACP_OK;
}

acp_status write(acp_stream* s, uint8_t channel, acp_bytes bytes) {
    std::unique_lock lock(s->mutex);
    s->touch();
    if (s->conduct.finishes > 0) ++s->conduct.writes_after_finish;
    if (s->told) ++s->conduct.writes_after_end;
    if (s->write_hook) {
        const auto hook = s->write_hook;
        lock.unlock();
        hook();
        lock.lock();
    }
    if (s->over()) return s->tell_closed();
    if (s->write_fault != ACP_OK) return s->write_fault;
    if (bytes.len > s->window) {
        ++s->conduct.writes_too_large;
        return ACP_E_INVALID;
    }
    if (bytes.len > s->credit) {
        s->starved = true;
        ++s->conduct.writes_refused;
        s->conduct.refused_in_a_row = std::max(s->conduct.refused_in_a_row, ++s->refused_run);
        return ACP_E_WOULD_BLOCK;
    }
    s->refused_run = 0;
    ++s->conduct.writes;
    s->credit -= bytes.len;
    s->outgoing.emplace_back(channel, std::string(reinterpret_cast<const char*>(bytes.ptr), bytes.len));
    s->changed.notify_all();
    return ACP_OK;
}

acp_status wait_credit(acp_stream* s, uint64_t bytes, int64_t timeout_ms) {
    std::unique_lock lock(s->mutex);
    s->touch();
    s->refused_run = 0;
    if (bytes > s->window) return ACP_E_INVALID;
    const bool there = s->changed.wait_for(lock, std::chrono::milliseconds(timeout_ms),
                                           [&] { return s->over() || s->credit >= bytes; });
    if (s->over()) return s->tell_closed();
    return there ? ACP_OK : ACP_E_DEADLINE;
}

void consumed(acp_stream* s, uint64_t bytes) {
    std::lock_guard lock(s->mutex);
    s->touch();
    s->send_window = std::min(s->window, s->send_window + bytes);
    s->changed.notify_all();
}

void finish(acp_stream* s, acp_error* error) {
    {
        std::lock_guard lock(s->mutex);
        s->touch();
        ++s->conduct.finishes;
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

void retain(acp_stream* s) {
    std::lock_guard lock(s->mutex);
    if (s->refs++ == 0) ++s->conduct.uses_after_release;
}

void release(acp_stream* s) {
    std::unique_lock lock(s->mutex);
    if (s->refs == 0) {
        ++s->conduct.releases_too_many;
        return;
    }
    const bool last = --s->refs == 0 && !s->owned;
    s->changed.notify_all();
    lock.unlock();
    if (last) delete s;
}

const acp_host_stream kTable = {
    sizeof(acp_host_stream),
    0,
    &set_events,
    &headers,
    &write,
    [](acp_stream* s) -> uint64_t {
        std::lock_guard lock(s->mutex);
        s->touch();
        return s->credit;
    },
    [](acp_stream* s) -> uint64_t {
        std::lock_guard lock(s->mutex);
        s->touch();
        return s->window;
    },
    &wait_credit,
    &consumed,
    &finish,
    [](acp_stream* s) -> int32_t {
        std::lock_guard lock(s->mutex);
        s->touch();
        s->told = s->told || s->over();
        return s->over() ? 1 : 0;
    },
    &retain,
    &release,
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
    std::unique_lock lock(raw_->mutex);
    raw_->owned = false;
    const bool last = raw_->refs == 0;
    lock.unlock();
    if (last) delete raw_;
}

acp_stream* FakeStream::lend() {
    std::lock_guard lock(raw_->mutex);
    ++raw_->refs;
    return raw_;
}

void FakeStream::take_back() {
    std::lock_guard lock(raw_->mutex);
    if (raw_->refs == 0)
        ++raw_->conduct.releases_too_many;
    else
        --raw_->refs;
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
    raw_->close(reason);
}

StreamConduct FakeStream::conduct() const {
    std::lock_guard lock(raw_->mutex);
    return raw_->conduct;
}

void FakeStream::fail_writes(acp_status status) {
    std::lock_guard lock(raw_->mutex);
    raw_->write_fault = status;
}

void FakeStream::close_at_call(int calls) {
    std::lock_guard lock(raw_->mutex);
    raw_->calls_left = calls;
}

void FakeStream::on_write(std::function<void()> hook) {
    std::lock_guard lock(raw_->mutex);
    raw_->write_hook = std::move(hook);
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
    std::lock_guard lock(raw_->mutex);
    return raw_->refs;
}

bool FakeStream::wait_released(Clock limit) const {
    std::unique_lock lock(raw_->mutex);
    return raw_->changed.wait_for(lock, limit, [&] { return raw_->refs == 0; });
}

bool FakeStream::wait_finished(Clock limit) const {
    std::unique_lock lock(raw_->mutex);
    return raw_->changed.wait_for(lock, limit, [&] { return raw_->finished; });
}

}  // namespace acp::conformance
