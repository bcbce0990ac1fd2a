// local: what /proc tells about processes.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace acp::local {

struct ProcessRow {
    ::pid_t pid = 0;
    ::pid_t parent = 0;
    bool zombie = false;
    std::uint64_t cpu_ticks = 0;           // of its own, user and system
    std::uint64_t children_cpu_ticks = 0;  // of children it waited for
    std::uint64_t resident_bytes = 0;
};

/// All processes now. One that ends meanwhile is left out.
std::vector<ProcessRow> process_table();

/// Everything below `ancestor`, without it.
std::vector<ProcessRow> descendants(const std::vector<ProcessRow>& table, ::pid_t ancestor);

/// Whether the environment `pid` was started with holds all of `entries`
/// ("NAME=value"), at least one. False also where it cannot be read.
bool has_environment(::pid_t pid, const std::vector<std::string>& entries);

/// Kills every process that was started with all of `entries`.
void kill_marked(const std::vector<std::string>& entries);

}  // namespace acp::local
