#include "reaper.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <system_error>

#include "process.h"

namespace acp::local {

std::thread quiet_thread(void (*body)(void*), void* argument) {
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);  // inherited by the new thread
    try {
        std::thread thread(body, argument);
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
        return thread;
    } catch (...) {
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
        throw;
    }
}

namespace {

struct Left {
    std::mutex mutex;
    std::vector<Fd> handles;
};

// Without it a supervisor that ends between two instances would stay a zombie:
// it holds no lock any more by which the second could find it.
Left& left_over() {
    static Left one;
    return one;
}

}  // namespace

Reaper::Reaper() : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!wake_) throw std::system_error(errno, std::generic_category(), "cannot make an event descriptor");
    {
        std::lock_guard lock(left_over().mutex);
        added_.swap(left_over().handles);
    }
    ::eventfd_write(wake_.get(), 1);
    thread_ = quiet_thread([](void* self) { static_cast<Reaper*>(self)->run(); }, this);
}

Reaper::~Reaper() {
    {
        std::lock_guard lock(mutex_);
        stop_ = true;
    }
    ::eventfd_write(wake_.get(), 1);
    thread_.join();
}

void Reaper::watch(Fd handle) {
    {
        std::lock_guard lock(mutex_);
        added_.push_back(std::move(handle));
    }
    ::eventfd_write(wake_.get(), 1);
}

void Reaper::run() {
    std::vector<Fd> watched;
    std::vector<pollfd> fds;
    for (;;) {
        fds.assign(1, {wake_.get(), POLLIN, 0});
        for (const auto& handle : watched) fds.push_back({handle.get(), POLLIN, 0});
        if (::poll(fds.data(), fds.size(), -1) < 0) continue;
        for (std::size_t i = fds.size() - 1; i > 0; --i)
            if (fds[i].revents != 0 && reap(watched[i - 1]))
                watched.erase(watched.begin() + static_cast<std::ptrdiff_t>(i - 1));
        if (fds[0].revents == 0) continue;
        eventfd_t count;
        ::eventfd_read(wake_.get(), &count);
        std::lock_guard lock(mutex_);
        for (auto& handle : added_) watched.push_back(std::move(handle));
        added_.clear();
        if (stop_) break;
    }
    std::lock_guard lock(left_over().mutex);
    for (auto& handle : watched)
        if (!reap(handle)) left_over().handles.push_back(std::move(handle));
}

}  // namespace acp::local
