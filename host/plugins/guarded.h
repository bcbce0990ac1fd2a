// plugins: a call into a plugin that may never come back.
#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <thread>
#include <utility>

namespace acp::plugins {

/// Runs `call` on a thread of its own and waits for it at most `limit`. False: it
/// has not come back; its thread is left behind with what `call` owns. What it
/// shares with the caller must therefore be owned by `call` too.
inline bool comes_back(std::chrono::milliseconds limit, std::function<void()> call) {
    auto done = std::make_shared<std::promise<void>>();
    auto future = done->get_future();
    std::thread([done, call = std::move(call)]() mutable {
        call();
        call = nullptr;
        done->set_value();
    }).detach();
    return future.wait_for(limit) == std::future_status::ready;
}

}  // namespace acp::plugins
