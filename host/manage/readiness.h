// manage: whether this replica is ready, as GET /manage/readyz tells it.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "manage/services.h"
#include "wire/exchange.h"

namespace acp::manage {

/// Anybody may ask, at any rate, and asking providers takes time. So there is
/// one round of questions at a time, on a thread of its own that no other work
/// can take; who asks meanwhile gets its outcome, and who asks a moment later
/// the one before. [any-thread]
class Readiness {
public:
    explicit Readiness(const Services& services) : services_(services) {}
    void answer(const wire::Responder& responder);

private:
    void judge();
    const Services& services_;
    std::mutex mutex_;
    std::vector<wire::Responder> waiting_;
    std::int64_t judged_ns_ = 0;  ///< 0: never
    bool judging_ = false;
    bool ready_ = false;
    std::string body_;
};

}  // namespace acp::manage
