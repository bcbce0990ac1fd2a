#include "metrics.h"

#include <algorithm>

namespace acp::docker {

namespace {

/// As `docker stats` counts it: without the page cache that can be dropped.
std::int64_t memory_of(const json::Object::Ptr& stats) {
    const json::Object::Ptr memory = json::child(stats, "memory_stats");
    const json::Object::Ptr details = json::child(memory, "stats");
    // cgroup v2 has inactive_file, v1 total_inactive_file.
    const std::int64_t cache = json::integer(details, "total_inactive_file", json::integer(details, "inactive_file"));
    return std::max<std::int64_t>(json::integer(memory, "usage") - cache, 0);
}

double cpu_of(const json::Object::Ptr& stats) {
    const json::Object::Ptr usage = json::child(json::child(stats, "cpu_stats"), "cpu_usage");
    return static_cast<double>(json::integer(usage, "total_usage")) / 1e9;
}

}  // namespace

std::string measure(Engine& engine, const sdk::Call& call, const std::vector<Container>& containers) {
    // one-shot spares the Engine a second sample, from API 1.41 on.
    const std::string query = api_at_least(engine.api(call), 1, 41) ? "?stream=false&one-shot=true" : "?stream=false";
    json::Array::Ptr replicas = json::array();
    double cpu_seconds = 0;
    std::int64_t memory_bytes = 0;
    for (const Container& c : containers) {
        if (!c.alive()) continue;
        json::Object::Ptr stats;
        try {
            stats = engine.get_object(call, "/containers/" + c.id + "/stats" + query);
        } catch (const sdk::Failure& f) {
            if (f.status() == ACP_E_NOT_FOUND || f.status() == ACP_E_CONFLICT) continue;  // it has just ended
            throw;
        }
        json::Object::Ptr item = json::object();
        item->set("replica", std::to_string(c.replica));
        item->set("cpu_seconds", cpu_of(stats));
        item->set("memory_bytes", memory_of(stats));
        replicas->add(item);
        cpu_seconds += cpu_of(stats);
        memory_bytes += memory_of(stats);
    }
    json::Object::Ptr out = json::object();
    out->set("cpu_seconds", cpu_seconds);
    out->set("memory_bytes", memory_bytes);
    out->set("replicas", replicas);
    return json::dump(out);
}

}  // namespace acp::docker
