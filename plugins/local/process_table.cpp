#include "process_table.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <set>
#include <string_view>

#include "files.h"
#include "process.h"

namespace acp::local {

namespace {

// Files of /proc are read in one go; their size is not known before.
std::string read_proc(::pid_t pid, const char* name, std::size_t max_bytes) {
    const std::string path = "/proc/" + std::to_string(pid) + "/" + name;
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::string content;
    if (!fd) return content;
    char buffer[4096];
    ssize_t got;
    while (content.size() < max_bytes && (got = ::read(fd.get(), buffer, sizeof buffer)) > 0)
        content.append(buffer, static_cast<std::size_t>(got));
    return content;
}

// proc(5), /proc/pid/stat: fields are counted from 1, the second is the name
// in parentheses and may hold spaces and parentheses itself.
std::optional<ProcessRow> read_row(::pid_t pid) {
    const std::string stat = read_proc(pid, "stat", 4096);
    const auto name_end = stat.rfind(')');
    if (name_end == std::string::npos || name_end + 2 >= stat.size()) return std::nullopt;
    std::vector<std::string_view> fields;  // fields[0] is field 3
    std::string_view rest = std::string_view(stat).substr(name_end + 2);
    while (!rest.empty()) {
        const auto space = std::min(rest.find(' '), rest.size());
        fields.push_back(rest.substr(0, space));
        rest.remove_prefix(std::min(space + 1, rest.size()));
    }
    if (fields.size() < 22) return std::nullopt;
    const auto number = [&](std::size_t field) {
        std::uint64_t value = 0;
        const auto text = fields[field - 3];
        std::from_chars(text.data(), text.data() + text.size(), value);
        return value;
    };
    static const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    ProcessRow row;
    row.pid = pid;
    row.zombie = fields[0] == "Z";
    row.parent = static_cast<::pid_t>(number(4));
    row.cpu_ticks = number(14) + number(15);
    row.children_cpu_ticks = number(16) + number(17);
    row.resident_bytes = number(24) * page;
    return row;
}

}  // namespace

std::vector<ProcessRow> process_table() {
    std::vector<ProcessRow> rows;
    std::unique_ptr<DIR, int (*)(DIR*)> proc(::opendir("/proc"), &::closedir);
    if (!proc) return rows;
    while (const dirent* entry = ::readdir(proc.get())) {
        const std::string_view name = entry->d_name;
        ::pid_t pid = 0;
        const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (error != std::errc() || end != name.data() + name.size()) continue;
        if (auto row = read_row(pid)) rows.push_back(*row);
    }
    return rows;
}

std::vector<ProcessRow> descendants(const std::vector<ProcessRow>& table, ::pid_t ancestor) {
    std::set<::pid_t> family{ancestor};
    std::vector<ProcessRow> found;
    // The table is not ordered by age once pids wrapped: repeat until nothing is added.
    for (bool grown = true; grown;) {
        grown = false;
        for (const auto& row : table)
            if (!family.contains(row.pid) && family.contains(row.parent)) {
                family.insert(row.pid);
                found.push_back(row);
                grown = true;
            }
    }
    return found;
}

bool has_environment(::pid_t pid, const std::vector<std::string>& entries) {
    const std::string block = '\0' + read_proc(pid, "environ", 4 * 1024 * 1024);
    return !entries.empty() && std::all_of(entries.begin(), entries.end(), [&](const std::string& entry) {
        return block.find('\0' + entry + '\0') != std::string::npos;
    });
}

void kill_marked(const std::vector<std::string>& entries) {
    // Until a look finds nobody, and once more: one that is just being forked, or
    // is between two programs, shows no environment.
    constexpr int kLooksMax = 100;
    int quiet = 0;
    for (int look = 0; look < kLooksMax && quiet < 2; ++look) {
        bool found = false;
        for (const auto& row : process_table()) {
            if (row.zombie || !has_environment(row.pid, entries)) continue;
            const Fd handle = open_process(row.pid);
            // Looked at again with the handle open: the pid may have been reused.
            if (!has_environment(row.pid, entries)) continue;
            found = true;
            signal_process(handle, SIGKILL);
        }
        quiet = found ? 0 : quiet + 1;
        if (quiet < 2) ::usleep(2000);
    }
}

}  // namespace acp::local
