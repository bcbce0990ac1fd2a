#include "sessions.h"

#include <future>

#include "reaper.h"

namespace acp::local {

namespace {

constexpr std::size_t kSessionsMax = 256;

}  // namespace

struct Sessions::Entry {
    std::promise<void> prepared;
    std::promise<bool> given;  // false: there will be no stream
    const std::function<Body()>* prepare = nullptr;
    std::mutex end_mutex;  // the thread drops the stream while ~Sessions may cut it
    Session session;
    std::atomic<bool> ended{false};
    std::thread thread;
};

void Sessions::run(void* raw) {
    auto& entry = *static_cast<Entry*>(raw);
    auto given = entry.given.get_future();
    try {
        const Body body = (*entry.prepare)();
        entry.prepared.set_value();
        if (given.get()) {
            try {
                body(entry.session);
                entry.session.finish();
            } catch (const sdk::Failure& e) {
                entry.session.fail(e.status(), e.message());
            } catch (const std::exception& e) {
                entry.session.fail(ACP_E_INTERNAL, e.what());
            }
            std::lock_guard lock(entry.end_mutex);
            entry.session.stream_ = sdk::Stream();
        }
    } catch (...) {
        entry.prepared.set_exception(std::current_exception());
    }
    entry.ended = true;
}

void Sessions::open(sdk::Stream& stream, const std::function<Body()>& prepare) {
    auto entry = std::make_unique<Entry>();
    entry->prepare = &prepare;
    auto prepared = entry->prepared.get_future();
    Entry& mine = *entry;
    {
        std::lock_guard lock(mutex_);
        forget_ended();
        if (entries_.size() >= kSessionsMax)
            throw sdk::Failure(ACP_E_EXHAUSTED, "this provider has 256 open streams; close one first", true);
        entry->thread = quiet_thread(&Sessions::run, entry.get());
        entries_.push_back(std::move(entry));
    }
    prepared.get();
    try {
        mine.session.inbox_ = std::make_shared<Inbox>();
        Inbox::attach(mine.session.inbox_, stream);
    } catch (...) {
        mine.given.set_value(false);
        throw;
    }
    mine.session.stream_ = std::move(stream);
    mine.given.set_value(true);
}

void Sessions::forget_ended() {
    entries_.remove_if([](const std::unique_ptr<Entry>& entry) {
        if (!entry->ended) return false;
        entry->thread.join();
        return true;
    });
}

Sessions::Sessions() = default;

Sessions::~Sessions() {
    std::lock_guard lock(mutex_);
    for (auto& entry : entries_) {
        std::lock_guard end(entry->end_mutex);
        entry->session.cut_ = true;
        if (!entry->session.stream_) continue;
        entry->session.fail(ACP_E_UNAVAILABLE, "the provider instance ends");
        entry->session.inbox_->wake();
    }
    for (auto& entry : entries_) entry->thread.join();
}

}  // namespace acp::local
