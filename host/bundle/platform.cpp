#include "bundle/platform.h"

#include <gnu/libc-version.h>

#include <cstdlib>

#include "alphaswarm-cp/plugin.h"

namespace acp::bundle {

Host this_host() {
    Host out;
#if defined(__x86_64__)
    out.platform.arch = "x86_64";
#elif defined(__aarch64__)
    out.platform.arch = "aarch64";
#else
#error "name this platform's processor"
#endif
    out.platform.libc_min = ::gnu_get_libc_version();
    out.abi_major = ACP_ABI_MAJOR;
    out.abi_minor = ACP_ABI_MINOR;
    return out;
}

int compare_libc(const std::string& a, const std::string& b) {
    char* a_rest = nullptr;
    char* b_rest = nullptr;
    const long a_major = std::strtol(a.c_str(), &a_rest, 10);
    const long b_major = std::strtol(b.c_str(), &b_rest, 10);
    if (a_major != b_major) return a_major < b_major ? -1 : 1;
    const long a_minor = *a_rest == '.' ? std::strtol(a_rest + 1, nullptr, 10) : 0;
    const long b_minor = *b_rest == '.' ? std::strtol(b_rest + 1, nullptr, 10) : 0;
    return a_minor == b_minor ? 0 : a_minor < b_minor ? -1 : 1;
}

}  // namespace acp::bundle
