#include "fleet.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>

#include "images.h"
#include "own_call.h"

namespace acp::docker {

namespace {

constexpr std::size_t kThreadsMax = 8;
constexpr std::int64_t kOwnSeconds = 30;
constexpr std::string_view kDraftSuffix = ".next";  // a container whose final name is still taken

class Pass {
public:
    Pass(Engine& engine, Containers& containers, const sdk::Call& call, const Desired& desired)
        : engine_(engine), containers_(containers), call_(call), desired_(desired) {}

    void run() {
        look();
        if (desired_.replicas == 0) {
            stop_all();
            return;
        }
        try {
            make_missing();
            free_ports();
            start_all();
        } catch (...) {
            undo();
            throw;
        }
        drop_old();
        settle_names();
    }

private:
    bool is_current(const Container& c) const {
        return c.revision == desired_.revision && c.spec_hash == desired_.spec_hash && c.replica >= 1 &&
               c.replica <= desired_.replicas && c.state != "dead" && c.state != "removing";
    }

    void look() {
        for (Container& c : containers_.list(call_, desired_.service_id)) {
            if (is_current(c) && !current_.contains(c.replica)) {
                current_.emplace(c.replica, std::move(c));
            } else {
                old_.push_back(std::move(c));
            }
        }
    }

    void stop_all() {
        std::vector<Container> running;
        for (const auto& [replica, c] : current_)
            if (c.alive()) running.push_back(c);
        std::copy_if(old_.begin(), old_.end(), std::back_inserter(running),
                     [](const Container& c) { return c.alive(); });
        in_parallel(running, [&](const Container& c) { containers_.stop(call_, c.id); });
    }

    bool name_taken(const std::string& name) const {
        return std::any_of(old_.begin(), old_.end(), [&](const Container& c) { return c.name == name; });
    }

    void make_missing() {
        if (current_.size() == desired_.replicas) return;
        ensure_image(engine_, call_, desired_.image);
        for (std::uint32_t replica = 1; replica <= desired_.replicas; ++replica) {
            if (current_.contains(replica)) continue;
            Container c;
            c.name = containers_.final_name(desired_.service_id, replica);
            if (name_taken(c.name)) c.name += kDraftSuffix;
            remove_stale(c.name);
            c.replica = replica;
            require_time(call_, "not every container was made");
            // Not under the caller's deadline: an abandoned creation may still
            // come to be, and nobody would know of it.
            const OwnCall own(kOwnSeconds);
            c.id = containers_.create(own.call(), desired_, replica, c.name);
            c.state = "created";
            made_.push_back(c);
            current_.emplace(replica, std::move(c));
        }
    }

    /// A draft of an update that never ended holds the name.
    void remove_stale(const std::string& name) {
        const auto stale = std::find_if(old_.begin(), old_.end(), [&](const Container& c) { return c.name == name; });
        if (stale == old_.end()) return;
        containers_.remove(call_, stale->id);
        old_.erase(stale);
    }

    void free_ports() {
        if (!desired_.has_fixed_port()) return;
        for (const Container& c : old_) {
            if (!c.alive()) continue;
            halted_.push_back(c);
            containers_.stop(call_, c.id);
        }
    }

    void start_all() {
        for (auto& [replica, c] : current_) {
            if (c.alive()) continue;
            if (c.state != "created") woken_.push_back(c);
            containers_.start(call_, c.id);
            c.state = "running";
        }
    }

    void drop_old() {
        in_parallel(old_, [&](const Container& c) {
            if (c.alive()) containers_.stop(call_, c.id);
            containers_.remove(call_, c.id);
        });
    }

    void settle_names() {
        for (const auto& [replica, c] : current_) {
            const std::string name = containers_.final_name(desired_.service_id, replica);
            if (c.name != name) containers_.rename(call_, c.id, name);
        }
    }

    /// The caller's deadline may be what failed: this has its own.
    void undo() noexcept {
        const OwnCall own(kOwnSeconds);
        for (const Container& c : made_) quietly([&] { containers_.remove(own.call(), c.id); });
        for (const Container& c : woken_) quietly([&] { containers_.stop(own.call(), c.id); });
        for (const Container& c : halted_) quietly([&] { containers_.start(own.call(), c.id); });
    }
    template <typename Action>
    void quietly(Action action) noexcept {
        try {
            action();
        } catch (const std::exception& e) {
            engine_.host().log(ACP_LOG_WARN, engine_.settings().alias,
                               "cleaning up after a failed action on " + desired_.service_id + ": " + e.what());
        }
    }

    Engine& engine_;
    Containers& containers_;
    const sdk::Call& call_;
    const Desired& desired_;
    std::map<std::uint32_t, Container> current_;  ///< by replica
    std::vector<Container> old_;                  ///< of another revision, or beyond the number wanted
    std::vector<Container> made_;                 ///< created in this pass
    std::vector<Container> woken_, halted_;       ///< started again, or stopped, in this pass
};

}  // namespace

void in_parallel(const std::vector<Container>& containers, const std::function<void(const Container&)>& each) {
    std::atomic<std::size_t> next{0};
    std::mutex mutex;
    std::exception_ptr first;
    const auto work = [&] {
        for (std::size_t i = next++; i < containers.size(); i = next++) {
            try {
                each(containers[i]);
            } catch (...) {
                const std::lock_guard lock(mutex);
                if (!first) first = std::current_exception();
            }
        }
    };
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < std::min(containers.size(), kThreadsMax); ++i) {
        try {
            threads.emplace_back(work);
        } catch (const std::system_error&) {
            break;  // fewer threads take longer, no more
        }
    }
    work();
    threads.clear();
    if (first) std::rethrow_exception(first);
}

void converge(Engine& engine, Containers& containers, const sdk::Call& call, const Desired& desired) {
    Pass(engine, containers, call, desired).run();
}

}  // namespace acp::docker
