#include "log_session.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "log_lines.h"
#include "own_call.h"

namespace acp::docker {

namespace {

constexpr std::chrono::milliseconds kLookAgain{1000};
constexpr std::chrono::milliseconds kTick{100};
/// The last lines of several replicas are merged by time up to this number;
/// beyond it they come replica by replica, unmerged, so that memory is bounded.
constexpr std::int64_t kMergeMax = 10'000;

std::string log_path(const std::string& container_id, bool follow, std::int64_t tail, std::int64_t since_ns) {
    std::string path = "/containers/" + container_id + "/logs?stdout=1&stderr=1&timestamps=1";
    path += follow ? "&follow=1" : "&follow=0";
    path += "&tail=" + (tail < 0 ? std::string("all") : std::to_string(tail));
    if (since_ns > 0) {
        // Ours is "after", the Engine's is "from".
        const std::int64_t from = since_ns + 1;
        const std::string nanos = std::to_string(from % 1'000'000'000);
        path += "&since=" + std::to_string(from / 1'000'000'000) + "." + std::string(9 - nanos.size(), '0') + nanos;
    }
    return path;
}

/// The Engine writes all times with nine digits: text order is time order.
std::string_view time_of(std::string_view line) {
    return line.substr(0, line.find(' '));
}

std::int64_t unix_ns() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

}  // namespace

/// Reads the log of one container, again and again as it is restarted.
class LogSession::Follower {
public:
    Follower(LogSession& session, const Container& container)
        : session_(session),
          id_(container.id),
          since_ns_(session.query_.since_unix_ns),
          lines_(std::to_string(container.replica),
                 [&session](std::uint8_t channel, std::string_view line) { return session.deliver(channel, line); }) {}
    ~Follower() {
        if (thread_.joinable()) thread_.join();
    }
    Follower(const Follower&) = delete;
    Follower& operator=(const Follower&) = delete;

    /// The past, and with `follow` what comes until the container stops.
    void read(bool follow, std::int64_t tail) {
        const OwnCall own([this] { return session_.over(); });
        Ask ask;
        ask.path = log_path(id_, follow, tail, since_ns_);
        ask.idle_timeout_ms = follow ? -1 : 60'000;
        ask.max_body_bytes = UINT64_MAX;
        ask.on_body = [this](std::string_view bytes) { return lines_.take(bytes); };
        session_.engine_.ask(own.call(), ask);
        lines_.flush();
    }
    void skip_past() { since_ns_ = std::max(since_ns_, unix_ns()); }
    /// Follows from the last line on.
    void start() {
        if (thread_.joinable()) thread_.join();
        since_ns_ = std::max(since_ns_, lines_.last_ns());
        idle_ = false;
        thread_ = std::thread([this] {
            try {
                read(true, -1);
            } catch (const sdk::Failure& f) {
                // Gone with its container, or nobody listens: no failure of the stream.
                if (f.status() != ACP_E_NOT_FOUND && f.status() != ACP_E_CANCELLED) error_ = std::current_exception();
            } catch (...) {
                error_ = std::current_exception();
            }
            if (error_) session_.failed_ = true;
            idle_ = true;
        });
    }
    bool idle() const noexcept { return idle_; }
    /// After the thread has ended.
    std::exception_ptr error() {
        if (thread_.joinable()) thread_.join();
        return error_;
    }

private:
    LogSession& session_;
    const std::string id_;
    std::int64_t since_ns_;
    LogLines lines_;
    std::thread thread_;
    std::atomic<bool> idle_{true};
    std::exception_ptr error_;
};

LogSession::LogSession(Engine& engine, Lifecycle& lifecycle, std::string service_id, sdk::LogQuery query,
                       sdk::Stream stream)
    : engine_(engine),
      lifecycle_(lifecycle),
      service_id_(std::move(service_id)),
      query_(std::move(query)),
      stream_(std::move(stream)) {}

LogSession::~LogSession() = default;

void LogSession::run(const std::atomic<bool>& stopping) noexcept {
    stopping_ = &stopping;
    Followers followers;
    try {
        read_past(followers);
        if (query_.follow) follow(followers);
        stream_.finish();
    } catch (const sdk::Failure& f) {
        // The workload was deleted while it was followed: its log ends here.
        if (f.status() == ACP_E_NOT_FOUND) {
            stream_.finish();
        } else {
            stream_.fail(f.status(), f.message());
        }
    } catch (const std::exception& e) {
        stream_.fail(ACP_E_INTERNAL, e.what());
    }
    failed_ = true;  // ends what still follows
}

void LogSession::read_past(Followers& followers) {
    const OwnCall own([this] { return over(); });
    const std::vector<Container> all = lifecycle_.containers_of(own.call(), service_id_, query_.replica);
    collecting_ = all.size() > 1 && query_.tail_lines >= 0 && query_.tail_lines <= kMergeMax;
    for (const Container& c : all) {
        if (over()) return;
        auto& follower = followers[c.id] = std::make_unique<Follower>(*this, c);
        if (query_.tail_lines == 0) {
            follower->skip_past();
        } else {
            follower->read(false, query_.tail_lines);
        }
    }
    if (!std::exchange(collecting_, false)) return;
    std::stable_sort(collected_.begin(), collected_.end(),
                     [](const Line& a, const Line& b) { return time_of(a.text) < time_of(b.text); });
    const auto wanted = static_cast<std::size_t>(query_.tail_lines);
    const std::size_t skip = collected_.size() > wanted ? collected_.size() - wanted : 0;
    for (std::size_t i = skip; i < collected_.size(); ++i)
        if (!stream_.write(collected_[i].channel, collected_[i].text)) break;
    collected_ = {};
}

bool LogSession::deliver(std::uint8_t channel, std::string_view line) {
    if (!collecting_) return stream_.write(channel, line);
    collected_.push_back({std::string(line), channel});
    return !over();
}

void LogSession::follow(Followers& followers) {
    const OwnCall own([this] { return over(); });
    try {
        for (auto& [id, follower] : followers) follower->start();
        while (!over()) {
            const auto until = std::chrono::steady_clock::now() + kLookAgain;
            while (!over() && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(kTick);
            if (over()) break;
            for (const Container& c : lifecycle_.containers_of(own.call(), service_id_, query_.replica)) {
                auto& follower = followers[c.id];
                const bool fresh = !follower;
                if (fresh) follower = std::make_unique<Follower>(*this, c);
                // One that ended goes on when its container was restarted.
                if (fresh || (follower->idle() && c.alive())) follower->start();
            }
        }
    } catch (const sdk::Failure& f) {
        // Followers of a workload that is gone end by themselves, with its last lines.
        if (f.status() != ACP_E_NOT_FOUND) failed_ = true;
        if (std::exception_ptr error = first_error(followers)) std::rethrow_exception(error);
        throw;
    }
    if (std::exception_ptr error = first_error(followers)) std::rethrow_exception(error);
}

std::exception_ptr LogSession::first_error(const Followers& followers) {
    std::exception_ptr first;
    for (const auto& [id, follower] : followers)
        if (std::exception_ptr error = follower->error(); error && !first) first = error;
    return first;
}

}  // namespace acp::docker
