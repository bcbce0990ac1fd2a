#include "state/libpq.h"

#include <dlfcn.h>

#include <string>

namespace acp::state {

namespace {

struct Loaded {
    Libpq functions;
    std::string fault;  ///< empty when all functions are there
};

Loaded load() {
    Loaded out;
    const auto because = [] {
        const char* reason = ::dlerror();
        return std::string(reason ? reason : "for no known reason");
    };
    // Never closed: its libraries do not all survive that.
    void* library = ::dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        out.fault = because();
        return out;
    }
#define ACP_FIND(name)                                                                 \
    out.functions.name = reinterpret_cast<decltype(&::name)>(::dlsym(library, #name)); \
    if (!out.functions.name && out.fault.empty()) out.fault = because();
    ACP_LIBPQ_FUNCTIONS(ACP_FIND)
#undef ACP_FIND
    return out;
}

const Loaded& loaded() {
    static const Loaded once = load();
    return once;
}

}  // namespace

Result<void> load_libpq() {
    if (loaded().fault.empty()) return {};
    return fail(Code::unsupported, "libpq",
                "needs PostgreSQL's client library, which cannot be loaded: " + loaded().fault + "; install the package libpq5");
}

const Libpq& pq() noexcept {
    return loaded().functions;
}

}  // namespace acp::state
