#include "sessions.h"

#include <system_error>
#include <utility>

#include "alphaswarm-cp/sdk/error.hpp"

namespace acp::docker {

Sessions::~Sessions() {
    stopping_ = true;
    for (const auto& session : all_) session->thread.join();
}

void Sessions::run(Body body) {
    const std::lock_guard lock(mutex_);
    reap();
    auto session = std::make_unique<Session>();
    try {
        session->thread = std::thread([this, raw = session.get(), run_body = std::move(body)]() mutable {
            run_body(stopping_);
            run_body = nullptr;  // what it holds ends here, not when the thread is joined
            raw->done = true;
        });
    } catch (const std::system_error&) {
        throw sdk::Failure(ACP_E_EXHAUSTED, "no thread is left for another stream", true);
    }
    all_.push_back(std::move(session));
}

void Sessions::reap() {
    std::erase_if(all_, [](const std::unique_ptr<Session>& session) {
        if (!session->done) return false;
        session->thread.join();
        return true;
    });
}

}  // namespace acp::docker
