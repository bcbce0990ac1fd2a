#include "child.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace acp::local {

namespace {

std::string because(const std::string& what, int error = errno) {
    return what + ": " + std::string(::strerror(error));
}

void default_signals() {
    // Dispositions survive exec only as "ignored", and the mask as it is. By
    // the system call: sigaction(3) refuses the two signals that glibc keeps for
    // itself, which its posix_spawn leaves ignored. All zero means SIG_DFL.
    constexpr long kernel_sigset_size = 8;
    const std::array<unsigned char, 64> zero{};
    for (int number = 1; number < NSIG; ++number)
        ::syscall(SYS_rt_sigaction, number, zero.data(), nullptr, kernel_sigset_size);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

std::string take_identity(const Identity& identity) {
    if (::setgroups(identity.groups.size(), identity.groups.data()) != 0) return because("cannot set the groups");
    if (::setresgid(identity.gid, identity.gid, identity.gid) != 0)
        return because("cannot become group " + std::to_string(identity.gid));
    if (::setresuid(identity.uid, identity.uid, identity.uid) != 0)
        return because("cannot become user " + std::to_string(identity.uid));
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return because("cannot give up new privileges");
    return {};
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
    std::vector<char*> out;
    for (const auto& s : strings) out.push_back(const_cast<char*>(s.c_str()));
    out.push_back(nullptr);
    return out;
}

}  // namespace

std::string become(const Launch& launch, int in, int out, int err, ::pid_t parent) {
    ::umask(022);
    if (launch.terminal) {
        if ((::getsid(0) != ::getpid() && ::setsid() < 0) || ::ioctl(in, TIOCSCTTY, 0) != 0)
            return because("cannot take the terminal");
    } else {
        // Fails only for a session leader, which leads its group already.
        ::setpgid(0, 0);
    }
    if (::dup2(in, STDIN_FILENO) < 0 || ::dup2(out, STDOUT_FILENO) < 0 || ::dup2(err, STDERR_FILENO) < 0)
        return because("cannot set up the standard streams");
    if (::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0) return because("cannot close inherited files");
    // Before the identity changes: the folder may lie below private ones.
    if (::chdir(launch.working_dir.c_str()) != 0) return because("cannot enter " + launch.working_dir);
    if (launch.identity)
        if (std::string wrong = take_identity(*launch.identity); !wrong.empty()) return wrong;
    // After it: a change of identity clears the setting (prctl(2)).
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return because("cannot tie the process to its parent");
    if (::getppid() != parent) return "the parent ended before the command was started";
    auto argv = pointers(launch.argv);
    auto env = pointers(launch.env);
    // Last: glibc changes the identity of all threads by a signal of its own.
    default_signals();
    ::execve(launch.executable.c_str(), argv.data(), env.data());
    return because("cannot execute " + launch.executable);
}

}  // namespace acp::local
