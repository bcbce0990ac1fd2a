// Workload::metrics: what the processes of a workload use, from /proc.
#include <unistd.h>

#include "json.h"
#include "process_table.h"
#include "workload.h"

namespace acp::local {

std::string Workload::metrics() const {
    (void)snapshot();
    const auto table = process_table();
    const auto ticks_per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
    Poco::JSON::Object o;
    Poco::JSON::Array replicas;
    double cpu_total = 0;
    std::uint64_t memory_total = 0;
    for (const auto& view : views()) {
        if (!view.supervised || !view.state) continue;
        std::uint64_t ticks = 0, memory = 0;
        // Everything below the supervisor: orphans are its children. What it
        // has waited for keeps the sum from falling when a process ends.
        for (const auto& row : table)
            if (row.pid == view.state->supervisor_pid) ticks += row.children_cpu_ticks;
        const auto processes = descendants(table, view.state->supervisor_pid);
        for (const auto& row : processes) {
            ticks += row.cpu_ticks + row.children_cpu_ticks;
            memory += row.resident_bytes;
        }
        const double cpu = static_cast<double>(ticks) / ticks_per_second;
        cpu_total += cpu;
        memory_total += memory;
        JsonObject one = new Poco::JSON::Object;
        one->set("replica", std::to_string(view.number));
        one->set("pid", view.state->pid);
        one->set("processes", processes.size());
        one->set("cpu_seconds", cpu);
        one->set("memory_bytes", memory);
        one->set("restarts", view.state->restarts);
        replicas.add(one);
    }
    o.set("cpu_seconds", cpu_total);
    o.set("memory_bytes", memory_total);
    o.set("replicas", replicas);
    return to_text(o);
}

}  // namespace acp::local
