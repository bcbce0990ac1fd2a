// base: the two system calls of every hot path.
#pragma once

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>

namespace acp {

// recv and send by number: the C library's functions are cancellation points,
// which in a process with threads costs two locked instructions a call, and no
// thread here is ever cancelled.
inline ssize_t receive_some(int fd, char* to, std::size_t room) noexcept {
    return ::syscall(SYS_recvfrom, fd, to, room, 0, nullptr, nullptr);
}
inline ssize_t send_some(int fd, const char* from, std::size_t size) noexcept {
    return ::syscall(SYS_sendto, fd, from, size, MSG_NOSIGNAL, nullptr, 0);
}

}  // namespace acp
