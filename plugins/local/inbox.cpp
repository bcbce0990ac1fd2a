#include "inbox.h"

#include <sys/eventfd.h>

#include <cerrno>
#include <system_error>

namespace acp::local {

namespace {

using Holder = std::shared_ptr<Inbox>;  // the stream's share, freed by on_close

}  // namespace

Inbox::Inbox() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!event_) throw std::system_error(errno, std::generic_category(), "cannot make an event descriptor");
}

void Inbox::attach(const Holder& inbox, sdk::Stream& stream) {
    auto holder = std::make_unique<Holder>(inbox);
    acp_stream_events events{};
    events.struct_size = sizeof events;
    events.ctx = holder.get();
    events.on_data = [](void* ctx, std::uint8_t channel, acp_bytes bytes) {
        (*static_cast<Holder*>(ctx))->add(channel, bytes);
    };
    events.on_credit = [](void*, std::uint64_t) {};
    events.on_close = [](void* ctx, std::int32_t) {
        std::unique_ptr<Holder> mine(static_cast<Holder*>(ctx));
        {
            std::lock_guard lock((*mine)->mutex_);
            (*mine)->closed_ = true;
        }
        (*mine)->wake();
    };
    // From here on_close owns it, perhaps before this returns.
    Holder* raw = holder.release();
    if (stream.set_events(events) != ACP_OK) {
        delete raw;
        throw sdk::Failure(ACP_E_INTERNAL, "the stream has a listener for its events already");
    }
}

void Inbox::wake() noexcept {
    ::eventfd_write(event_.get(), 1);
}

void Inbox::add(std::uint8_t channel, acp_bytes bytes) {
    {
        std::lock_guard lock(mutex_);
        if (queued_ + bytes.len > kQueuedMax) {
            overflowed_ = true;
        } else {
            try {
                frames_.emplace_back(channel, std::string(reinterpret_cast<const char*>(bytes.ptr), bytes.len));
                queued_ += bytes.len;
            } catch (const std::bad_alloc&) {
                overflowed_ = true;
            }
        }
    }
    wake();
}

std::deque<Inbox::Frame> Inbox::take() {
    eventfd_t count;
    ::eventfd_read(event_.get(), &count);
    std::lock_guard lock(mutex_);
    queued_ = 0;
    return std::exchange(frames_, {});
}

bool Inbox::closed() const {
    std::lock_guard lock(mutex_);
    return closed_;
}

bool Inbox::overflowed() const {
    std::lock_guard lock(mutex_);
    return overflowed_;
}

}  // namespace acp::local
