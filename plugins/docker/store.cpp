#include "store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "alphaswarm-cp/sdk/error.hpp"
#include "spec.h"

namespace acp::docker {

namespace {

constexpr std::size_t kRecordMax = 64U << 20;
constexpr std::string_view kSuffix = ".json";

class File {
public:
    explicit File(int fd) noexcept : fd_(fd) {}
    ~File() {
        if (fd_ >= 0) ::close(fd_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    int get() const noexcept { return fd_; }

private:
    int fd_;
};

[[noreturn]] void fail(const char* what, const std::filesystem::path& path, int error) {
    throw sdk::Failure(ACP_E_INTERNAL,
                       std::string(what) + " " + path.string() + ": " + std::generic_category().message(error));
}

void write_all(int fd, std::string_view content, const std::filesystem::path& path) {
    while (!content.empty()) {
        const ssize_t n = ::write(fd, content.data(), content.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) fail("cannot write", path, errno);
        content.remove_prefix(static_cast<std::size_t>(n));
    }
}

void sync_folder(const std::filesystem::path& folder) {
    const File fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd.get() < 0 || ::fsync(fd.get()) != 0) fail("cannot sync", folder, errno);
}

}  // namespace

std::filesystem::path Store::path_of(const std::string& service_id) const {
    // Ids become file names: what is no id names no file.
    if (!valid_service_id(service_id)) throw sdk::Failure(ACP_E_NOT_FOUND, "there is no workload of that id");
    return folder_ / (service_id + std::string(kSuffix));
}

std::optional<Desired> Store::load(const std::string& service_id) const {
    const std::filesystem::path path = path_of(service_id);
    const File fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (fd.get() < 0) {
        if (errno == ENOENT) return std::nullopt;
        fail("cannot read", path, errno);
    }
    std::string text;
    std::array<char, 16384> buffer{};
    for (;;) {
        const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) fail("cannot read", path, errno);
        if (n == 0) break;
        text.append(buffer.data(), static_cast<std::size_t>(n));
        if (text.size() > kRecordMax) fail("cannot read", path, EFBIG);
    }
    try {
        return desired_from_json(text);
    } catch (const std::invalid_argument& e) {
        throw sdk::Failure(ACP_E_INTERNAL, "the record " + path.string() + " is damaged (" + e.what() +
                                               "): remove it and start the workload again");
    }
}

void Store::save(const Desired& desired) const {
    const std::filesystem::path path = path_of(desired.service_id);
    std::filesystem::path draft = path;
    draft += ".new";
    {
        const File fd(::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (fd.get() < 0) fail("cannot write", draft, errno);
        write_all(fd.get(), to_json(desired), draft);
        if (::fsync(fd.get()) != 0) fail("cannot sync", draft, errno);
    }
    if (::rename(draft.c_str(), path.c_str()) != 0) fail("cannot replace", path, errno);
    sync_folder(folder_);
}

void Store::erase(const std::string& service_id) const {
    const std::filesystem::path path = path_of(service_id);
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) fail("cannot remove", path, errno);
    sync_folder(folder_);
}

std::vector<std::string> Store::ids() const {
    std::vector<std::string> out;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
        const std::string name = entry.path().filename().string();
        if (!name.ends_with(kSuffix)) continue;
        std::string id = name.substr(0, name.size() - kSuffix.size());
        if (valid_service_id(id)) out.push_back(std::move(id));
    }
    if (error) fail("cannot list", folder_, error.value());
    std::sort(out.begin(), out.end());
    return out;
}

}  // namespace acp::docker
