#include "log_session.h"

#include <poll.h>
#include <sys/inotify.h>

#include <algorithm>
#include <list>
#include <map>
#include <optional>

#include "deadline.h"
#include "log_files.h"
#include "replica.h"

namespace acp::local {

namespace {

namespace fs = std::filesystem;

constexpr int kIdleMs = 250;  // between looks for new replicas and a closed stream
constexpr int kPollMs = 100;  // between looks at the files where inotify is not to be had
constexpr std::uint64_t kAll = ~std::uint64_t{0};

struct Source {
    explicit Source(const Replica& replica) : name(std::to_string(replica.number())), cursor(replica.folder()) {}
    std::string name;
    LogCursor cursor;
    std::optional<LogRecord> ahead;  // read, not yet written
};

class LogStream {
public:
    LogStream(fs::path workload_folder, sdk::LogQuery query);
    void run(Session& session);

private:
    void find_replicas();
    bool write_past(Session& session);
    bool write_new(Session& session);
    bool write(Session& session, Source& source);
    Source* earliest(bool past);
    void wait(Session& session);

    const fs::path folder_;
    const sdk::LogQuery query_;
    std::map<std::uint32_t, Source> sources_;
    Fd watch_;
};

LogStream::LogStream(fs::path workload_folder, sdk::LogQuery query)
    : folder_(std::move(workload_folder)), query_(std::move(query)) {
    if (query_.follow) watch_.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    find_replicas();
    if (!query_.replica.empty() && sources_.empty())
        throw sdk::Failure(ACP_E_NOT_FOUND, "the workload has no replica \"" + query_.replica + "\"");
}

void LogStream::find_replicas() {
    for (const auto& replica : replicas_in(folder_)) {
        if (sources_.contains(replica.number())) continue;
        if (!query_.replica.empty() && query_.replica != std::to_string(replica.number())) continue;
        // Watched before it is read: what is written in between is seen.
        if (watch_) ::inotify_add_watch(watch_.get(), replica.folder().c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO);
        sources_.try_emplace(replica.number(), replica);
    }
}

Source* LogStream::earliest(bool past) {
    Source* first = nullptr;
    for (auto& [number, source] : sources_) {
        if (!source.ahead) {
            LogRecord record;
            const bool there = past ? source.cursor.next_past(record) : source.cursor.next_now(record);
            if (!there) continue;
            source.ahead = std::move(record);
        }
        if (!first || source.ahead->unix_ns < first->ahead->unix_ns) first = &source;
    }
    return first;
}

bool LogStream::write(Session& session, Source& source) {
    const LogRecord record = std::move(*source.ahead);
    source.ahead.reset();
    if (record.unix_ns <= query_.since_unix_ns) return true;
    const std::string line = record.stamp + " " + source.name + " " + record.text + "\n";
    return session.write(record.is_stderr ? ACP_CHANNEL_STDERR : ACP_CHANNEL_STDOUT, line);
}

bool LogStream::write_past(Session& session) {
    // The last N of all are among the last N of each; what is too much is
    // passed over at the front.
    const std::uint64_t tail = query_.tail_lines < 0 ? kAll : static_cast<std::uint64_t>(query_.tail_lines);
    std::uint64_t surplus = 0;
    if (tail != kAll) {
        std::uint64_t kept = 0;
        for (auto& [number, source] : sources_) kept += source.cursor.keep_last(tail);
        surplus = kept - std::min(kept, tail);
    }
    while (Source* source = earliest(true)) {
        if (session.over()) return false;
        if (surplus > 0) {
            --surplus;
            source->ahead.reset();
        } else if (!write(session, *source)) {
            return false;
        }
    }
    return true;
}

bool LogStream::write_new(Session& session) {
    while (Source* source = earliest(false))
        if (session.over() || !write(session, *source)) return false;
    return true;
}

void LogStream::wait(Session& session) {
    pollfd fds[] = {{session.inbox().event(), POLLIN, 0}, {watch_.get(), POLLIN, 0}};
    ::poll(fds, 2, watch_ ? kIdleMs : kPollMs);
    if (fds[0].revents != 0) session.inbox().take();
    char events[4096];
    if (fds[1].revents != 0)
        while (::read(watch_.get(), events, sizeof events) > 0) {
        }
}

void LogStream::run(Session& session) {
    if (!write_past(session) || !query_.follow) return;
    std::int64_t looked_ms = monotonic_ms();
    while (!session.over() && write_new(session)) {
        wait(session);
        if (monotonic_ms() - looked_ms < kIdleMs) continue;
        looked_ms = monotonic_ms();
        if (!fs::exists(folder_)) return;
        find_replicas();
    }
}

}  // namespace

Sessions::Body open_log(const fs::path& workload_folder, const sdk::LogQuery& query) {
    const auto log = std::make_shared<LogStream>(workload_folder, query);
    return [log](Session& session) { log->run(session); };
}

}  // namespace acp::local
