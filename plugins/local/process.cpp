#include "process.h"

#include <Poco/Environment.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <cerrno>
#include <string_view>
#include <system_error>

extern "C" {  // the header of glibc 2.36 forgets it
#include <sys/pidfd.h>
}

namespace acp::local {

namespace {

void check(int error, const char* what) {
    if (error != 0) throw std::system_error(error, std::generic_category(), what);
}

struct Actions {
    posix_spawn_file_actions_t raw;
    Actions() { check(::posix_spawn_file_actions_init(&raw), "cannot prepare a process"); }
    ~Actions() { ::posix_spawn_file_actions_destroy(&raw); }
    Actions(const Actions&) = delete;
    Actions& operator=(const Actions&) = delete;
};

struct Attributes {
    posix_spawnattr_t raw;
    Attributes() { check(::posix_spawnattr_init(&raw), "cannot prepare a process"); }
    ~Attributes() { ::posix_spawnattr_destroy(&raw); }
    Attributes(const Attributes&) = delete;
    Attributes& operator=(const Attributes&) = delete;
};

std::string folder_of(const void* address) {
    Dl_info info{};
    if (::dladdr(address, &info) == 0 || !info.dli_fname || info.dli_fname[0] != '/') return {};
    const std::string_view file = info.dli_fname;
    return std::string(file.substr(0, file.rfind('/')));
}

// The program may lie far from the host, in the store of bundles, where nothing
// leads to libraries that came with the host. What lies beside libc is found
// without being told. Empty when there is nothing to tell.
std::string library_folder() {
    std::string folder = folder_of(reinterpret_cast<const void*>(&Poco::Environment::osName));
    return folder == folder_of(reinterpret_cast<const void*>(&::posix_spawn)) ? std::string() : folder;
}

}  // namespace

Spawned spawn_program(const std::vector<std::string>& argv, const std::vector<int>& fds) {
    Attributes attributes;
    sigset_t none, all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    check(::posix_spawnattr_setflags(&attributes.raw,
                                     POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF),
          "cannot prepare a process");
    ::posix_spawnattr_setsigmask(&attributes.raw, &none);
    ::posix_spawnattr_setsigdefault(&attributes.raw, &all);

    Actions actions;
    // Sources are first moved out of the way of the targets 0, 1, 2, ...
    const int above = static_cast<int>(fds.size());
    const Fd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
    std::vector<Fd> sources;
    for (int fd : fds) {
        sources.emplace_back(::fcntl(fd < 0 ? nothing.get() : fd, F_DUPFD_CLOEXEC, above));
        if (!sources.back()) check(errno, "cannot pass a descriptor on");
    }
    for (int target = 0; target < above; ++target)
        check(::posix_spawn_file_actions_adddup2(&actions.raw, sources[static_cast<std::size_t>(target)].get(), target),
              "cannot prepare a process");
    check(::posix_spawn_file_actions_addclosefrom_np(&actions.raw, above), "cannot prepare a process");

    std::vector<char*> args;
    for (const auto& arg : argv) args.push_back(const_cast<char*>(arg.c_str()));
    args.push_back(nullptr);
    char path[] = "PATH=/usr/local/bin:/usr/bin:/bin";
    static const std::string folder = library_folder();
    std::string libraries = "LD_LIBRARY_PATH=" + folder;
    char* env[] = {path, folder.empty() ? nullptr : libraries.data(), nullptr};
    Spawned child;
    const int error = ::posix_spawn(&child.pid, args[0], &actions.raw, &attributes.raw, args.data(), env);
    if (error != 0) throw std::system_error(error, std::generic_category(), "cannot start " + argv[0]);
    child.handle = open_process(child.pid);
    if (!child.handle) {
        const int why = errno;
        ::kill(child.pid, SIGKILL);
        ::waitpid(child.pid, nullptr, 0);
        throw std::system_error(why, std::generic_category(), "cannot watch " + argv[0]);
    }
    return child;
}

Fd open_process(::pid_t pid) noexcept {
    return Fd(pid > 0 ? ::pidfd_open(pid, 0) : -1);
}

bool signal_process(const Fd& handle, int number) noexcept {
    return handle && ::pidfd_send_signal(handle.get(), number, nullptr, 0) == 0;
}

bool reap(const Fd& handle) noexcept {
    siginfo_t info{};
    if (::waitid(P_PIDFD, static_cast<id_t>(handle.get()), &info, WEXITED | WNOHANG) != 0) return errno != EINTR;
    return info.si_pid != 0;
}

}  // namespace acp::local
