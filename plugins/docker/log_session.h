// docker: one open log stream. Runs on a thread of its own. The past is read
// first, replica by replica; with follow there is then one more thread for
// each replica, all writing to the one stream.
#pragma once

#include <atomic>
#include <exception>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "alphaswarm-cp/sdk/provider.hpp"
#include "lifecycle.h"

namespace acp::docker {

class LogSession {
public:
    LogSession(Engine& engine, Lifecycle& lifecycle, std::string service_id, sdk::LogQuery query, sdk::Stream stream);
    ~LogSession();

    /// Until everything is written, the stream closes, or `stopping`. With
    /// follow, replicas that come later are followed too.
    void run(const std::atomic<bool>& stopping) noexcept;

private:
    class Follower;
    using Followers = std::map<std::string, std::unique_ptr<Follower>>;  // by container id
    struct Line {
        std::string text;  ///< begins with its time, all of one width
        std::uint8_t channel;
    };
    void read_past(Followers& followers);
    void follow(Followers& followers);
    bool deliver(std::uint8_t channel, std::string_view line);
    static std::exception_ptr first_error(const Followers& followers);
    bool over() const { return stopping_->load() || failed_.load() || stream_.closed(); }

    Engine& engine_;
    Lifecycle& lifecycle_;
    const std::string service_id_;
    const sdk::LogQuery query_;
    sdk::Stream stream_;
    const std::atomic<bool>* stopping_ = nullptr;
    std::atomic<bool> failed_{false};
    bool collecting_ = false;  ///< lines go to collected_, while the past is read
    std::vector<Line> collected_;
};

}  // namespace acp::docker
