#include "replica.h"

#include <fcntl.h>
#include <signal.h>

#include <algorithm>
#include <charconv>

#include "environment.h"
#include "json.h"
#include "process.h"
#include "process_table.h"

namespace acp::local {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kStateMax = 64 * 1024;

::pid_t lock_holder(const fs::path& folder) {
    Fd fd(::open((folder / kLockFile).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    struct flock whole {};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    if (!fd || ::fcntl(fd.get(), F_GETLK, &whole) != 0 || whole.l_type == F_UNLCK) return 0;
    return whole.l_pid;
}

}  // namespace

Replica::Replica(const fs::path& workload_folder, std::uint32_t number)
    : workload_folder_(workload_folder),
      folder_(workload_folder / "replicas" / std::to_string(number)),
      number_(number) {}

ReplicaView Replica::look() const {
    ReplicaView view;
    view.number = number_;
    // In this order: a supervisor writes its last state before the lock goes.
    view.supervised = lock_holder(folder_) > 0;
    try {
        if (const auto text = read_file(folder_ / kStateFile, kStateMax)) view.state = state_from(*text);
    } catch (const std::exception&) {
        // A damaged file tells nothing, which is what no file tells.
    }
    return view;
}

Fd Replica::supervisor() const {
    const ::pid_t pid = lock_holder(folder_);
    Fd handle = open_process(pid);
    // The same pid holds the lock after the handle was opened: it is that process.
    return handle && lock_holder(folder_) == pid ? std::move(handle) : Fd();
}

Replica::Launching Replica::launch(const RunFile& file, const std::string& supervisor_path, Reaper& reaper) const {
    fs::create_directories(folder_);
    write_file(folder_ / kRunFile, to_json(file), 0600, Durable::no);
    fs::remove(folder_ / kStateFile);
    fs::remove(folder_ / kStderrFile);
    Fd errors(::open((folder_ / kStderrFile).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
    auto [ready_read, ready_write] = make_pipe();
    auto child = spawn_program({supervisor_path, "run", folder_.string()}, {-1, -1, errors.get(), ready_write.get()});
    reaper.watch(std::move(child.handle));
    return {*this, std::move(ready_read)};
}

void Replica::Launching::wait(const Deadline& deadline) const {
    deadline.wait_readable(ready_.get(), "the start of " + replica_.name());
    char byte;
    const bool decided = ::read(ready_.get(), &byte, 1) == 1;
    const auto view = replica_.look();
    if (!decided || !view.state) {
        std::string why = read_file(replica_.folder() / kStderrFile, 1024 * 1024).value_or("");
        throw sdk::Failure(ACP_E_INTERNAL,
                           "the supervisor of " + replica_.name() +
                               " ended before it could start the command: " + why.substr(0, why.find('\n')));
    }
    // Only a command that never ran fails without an exit: later ends are for `status`.
    if (view.in(Phase::failed) && !view.state->exit_code && !view.state->signal)
        throw sdk::Failure(ACP_E_INVALID, replica_.name() + ": " + view.state->message);
}

Fd Replica::request_stop() const {
    Fd handle = supervisor();
    if (handle) signal_process(handle, SIGTERM);
    return handle;
}

void Replica::sweep() const {
    kill_marked(replica_marks(workload_folder_, number_));
}

std::vector<Replica> replicas_in(const fs::path& workload_folder) {
    std::vector<Replica> found;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(workload_folder / "replicas", none)) {
        const std::string name = entry.path().filename();
        std::uint32_t number = 0;
        const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
        if (error == std::errc() && end == name.data() + name.size()) found.emplace_back(workload_folder, number);
    }
    std::sort(found.begin(), found.end(), [](const Replica& a, const Replica& b) { return a.number() < b.number(); });
    return found;
}

}  // namespace acp::local
