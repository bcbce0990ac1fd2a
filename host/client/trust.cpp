#include "client/trust.h"

#include <sys/stat.h>

#include <array>
#include <cstdint>
#include <map>
#include <mutex>

namespace acp::client {

namespace {

/// More than any set of providers has; beyond, the oldest knowledge is dropped.
constexpr std::size_t kKept = 64;

/// Tells whether a file was written or replaced since.
struct Stamp {
    std::int64_t modified_ns = 0;
    std::uint64_t inode = 0, size = 0;
    bool operator==(const Stamp&) const = default;
};

Stamp stamp_of(const std::string& path) {
    struct stat info {};
    if (path.empty() || ::stat(path.c_str(), &info) != 0) return {};
    return {info.st_mtim.tv_sec * std::int64_t{1'000'000'000} + info.st_mtim.tv_nsec, info.st_ino,
            static_cast<std::uint64_t>(info.st_size)};
}

struct Kept {
    std::array<Stamp, 3> stamps;
    std::shared_ptr<const tls::ClientContext> context;
};

Error told(Error error) {
    error.code = Code::invalid;
    for (const Violation& violation : error.violations) error.message += ": " + violation.detail;
    error.violations.clear();
    return error;
}

}  // namespace

Result<std::shared_ptr<const tls::ClientContext>> trust_of(const TrustFiles& files) {
    static std::mutex mutex;
    static std::map<TrustFiles, Kept> contexts;
    const std::array<Stamp, 3> stamps{stamp_of(files.ca), stamp_of(files.certificate), stamp_of(files.key)};
    std::lock_guard lock(mutex);
    if (const auto at = contexts.find(files); at != contexts.end() && at->second.stamps == stamps)
        return at->second.context;
    tls::ClientOptions options;
    if (!files.ca.empty()) options.ca_files = {files.ca};
    if (!files.certificate.empty()) options.certificate = tls::KeyPair{files.certificate, files.key};
    auto loaded = tls::ClientContext::load(options);
    if (!loaded) return tl::unexpected(told(loaded.error()));
    if (contexts.size() >= kKept) contexts.clear();
    contexts[files] = {stamps, *loaded};
    return *loaded;
}

}  // namespace acp::client
