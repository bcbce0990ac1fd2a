// local: reaps the supervisors that this process started.
//
// A supervisor is a direct child of the host's process (a detour over a second
// fork would leave it to whatever process 1 is, in a container often the
// control plane itself). Each is waited for by its own handle, never by "any
// child", so that children of the host or of other plugins are left alone.
#pragma once

#include <mutex>
#include <thread>
#include <vector>

#include "files.h"

namespace acp::local {

class Reaper {
public:
    /// Goes on with what an earlier reaper of this process left.
    Reaper();
    /// Stops watching; the supervisors go on, and remain children of this
    /// process, so their handles are kept for the next reaper.
    ~Reaper();
    Reaper(const Reaper&) = delete;
    Reaper& operator=(const Reaper&) = delete;

    /// Takes the handle of a supervisor that this process started. [any-thread]
    void watch(Fd handle);

private:
    void run();
    std::mutex mutex_;
    std::vector<Fd> added_;  // not yet seen by the thread
    bool stop_ = false;
    Fd wake_;
    std::thread thread_;
};

/// Starts a thread that receives no signals: those are the host's.
std::thread quiet_thread(void (*body)(void*), void* argument);

}  // namespace acp::local
