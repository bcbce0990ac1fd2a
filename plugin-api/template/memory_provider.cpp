// A provider that keeps its workloads in memory. Start your own from it: put
// calls to your infrastructure where this one changes `workloads_`.
#include <algorithm>
#include <chrono>
#include <ctime>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "alphaswarm-cp/sdk/provider.hpp"

namespace {

using namespace acp::sdk;

constexpr int kGeneratedLines = 5;

// What an instance's `config` may hold; the host checks it before the constructor runs.
#define CONFIG_SCHEMA R"({"type": "object", "additionalProperties": false, "properties": {}})"

int64_t unix_ms() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

std::string rfc3339(int64_t ms) {
    const std::time_t seconds = ms / 1000;
    std::tm utc{};
    gmtime_r(&seconds, &utc);
    char text[40];
    const auto size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    return std::string(text, size) + "." + std::to_string(1000 + ms % 1000).substr(1) + "000000Z";
}

struct Workload {
    std::string image;
    std::string namespace_;
    uint32_t replicas = 0;
    uint32_t replicas_when_started = 0;
    int64_t changed_ms = 0;
};

// One object for each alias in the server's configuration. Methods are called
// from many threads at once, hence the lock. Throw Failure to fail a call.
class MemoryProvider final : public Provider {
public:
    MemoryProvider(const Host& host, const InstanceConfig& config) : alias_(config.alias) {
        // Parse your settings here, strictly; this provider has none.
        if (config.config_json != "{}") throw Failure(ACP_E_INVALID, "this provider has no settings: config must be {}");
        host.log(ACP_LOG_INFO, alias_, "state is kept in memory and lost at exit");
    }

    std::vector<Capability> capabilities() const override {
        std::vector<Capability> all;
        for (const char* operation : {"start", "stop", "scale", "status", "list", "delete", "logs", "exec", "health"})
            all.push_back({operation, true, ""});
        // Whatever is left out must say why.
        for (const char* operation : {"restart", "get_config", "apply_config", "rotate_secret", "metrics",
                                      "provision_namespace", "deprovision_namespace"})
            all.push_back({operation, false, "there is nothing behind a workload in memory"});
        return all;
    }

    // Idempotent: the same spec again changes nothing. A spec that names nothing
    // to run means the one kept: a stopped workload runs again as it was.
    DeploymentStatus start(const Call& call, const DeploymentSpec& spec) override {
        std::lock_guard lock(mutex_);
        call.log(ACP_LOG_INFO, "start of " + spec.service_id);
        if (spec.is_kept_one()) {
            Workload& kept = find(spec.service_id);
            return resize(spec.service_id, kept, kept.replicas > 0 ? kept.replicas : kept.replicas_when_started);
        }
        Workload& w = workloads_[spec.service_id];
        if (w.image != spec.image || w.namespace_ != spec.namespace_) w.changed_ms = unix_ms();
        w.image = spec.image;
        w.namespace_ = spec.namespace_;
        return resize(spec.service_id, w, spec.replicas);
    }

    DeploymentStatus stop(const Call& call, const std::string& id) override { return scale(call, id, 0); }

    DeploymentStatus scale(const Call&, const std::string& id, uint32_t replicas) override {
        std::lock_guard lock(mutex_);
        return resize(id, find(id), replicas);
    }

    void remove(const Call&, const std::string& id) override {
        std::lock_guard lock(mutex_);
        find(id);
        workloads_.erase(id);
    }

    DeploymentStatus status(const Call&, const std::string& id) override {
        std::lock_guard lock(mutex_);
        return describe(id, find(id));
    }

    // A map is in order already, as `list` has to be.
    std::vector<DeploymentStatus> list(const Call&, const std::string& namespace_) override {
        std::lock_guard lock(mutex_);
        std::vector<DeploymentStatus> all;
        for (const auto& [id, w] : workloads_)
            if (namespace_.empty() || w.namespace_ == namespace_) all.push_back(describe(id, w));
        return all;
    }

    HealthReport health(const Call&) override {
        std::lock_guard lock(mutex_);
        return {ACP_HEALTH_UP, "", "{\"workloads\":" + std::to_string(workloads_.size()) + "}"};
    }

    // A stream that is not moved away ends when this returns. A provider that
    // follows moves it into a thread of its own.
    void logs(const Call&, const std::string& id, const LogQuery& query, Stream& stream) override {
        const auto w = copy(id);
        if (query.follow) throw Failure(ACP_E_UNSUPPORTED, "logs of this provider do not grow; ask without follow");
        if (!query.replica.empty() && query.replica != "0")
            throw Failure(ACP_E_NOT_FOUND, "workload " + id + " logs as replica 0 only");
        int first = w.replicas == 0 ? kGeneratedLines : 0;
        if (query.tail_lines >= 0 && query.tail_lines < kGeneratedLines)
            first = std::max(first, kGeneratedLines - static_cast<int>(query.tail_lines));
        for (int i = first; i < kGeneratedLines; ++i) {
            const int64_t at_ms = w.changed_ms + i;
            if (at_ms * 1'000'000 <= query.since_unix_ns) continue;
            const std::string line = rfc3339(at_ms) + " 0 line " + std::to_string(i + 1) + " of " + id + "\n";
            if (!stream.write(ACP_CHANNEL_STDOUT, line)) return;  // nobody listens any more
        }
    }

    // Echoes its arguments; a real one runs them inside the workload.
    void exec(const Call&, const std::string& id, const ExecRequest& request, Stream& stream) override {
        if (copy(id).replicas == 0) throw Failure(ACP_E_CONFLICT, "workload " + id + " is stopped; start it first");
        std::string text;
        for (const auto& argument : request.argv) text += (text.empty() ? "" : " ") + argument;
        stream.write(ACP_CHANNEL_STDOUT, text + "\n");
        stream.write(ACP_CHANNEL_STATUS, R"({"status":"Success"})");
    }

private:
    Workload& find(const std::string& id) {
        const auto at = workloads_.find(id);
        if (at == workloads_.end()) throw Failure(ACP_E_NOT_FOUND, "there is no workload " + id);
        return at->second;
    }
    Workload copy(const std::string& id) {
        std::lock_guard lock(mutex_);
        return find(id);
    }
    static DeploymentStatus resize(const std::string& id, Workload& w, uint32_t replicas) {
        if (w.replicas != replicas) w.changed_ms = unix_ms();
        w.replicas = replicas;
        if (replicas > 0) w.replicas_when_started = replicas;
        return describe(id, w);
    }
    static DeploymentStatus describe(const std::string& id, const Workload& w) {
        DeploymentStatus s;
        s.service_id = id;
        s.image = w.image;
        s.namespace_ = w.namespace_;
        s.phase = w.replicas > 0 ? ACP_PHASE_RUNNING : ACP_PHASE_STOPPED;
        s.replicas_desired = s.replicas_ready = w.replicas;
        s.last_transition_unix_ms = w.changed_ms;
        return s;
    }

    const std::string alias_;
    std::mutex mutex_;
    std::map<std::string, Workload> workloads_;
};

}  // namespace

ACP_PROVIDER_PLUGIN(MemoryProvider, "com.example.memory", "1.0.0", "Example Ltd", CONFIG_SCHEMA)
