#include "identity/key_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <system_error>
#include <utility>

#include "base/bytes.h"
#include "base/unique_fd.h"

namespace acp::identity {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view prefix = "signing-";
constexpr std::string_view suffix = ".pem";
constexpr off_t most_bytes = 64 * 1024;

tl::unexpected<Error> key_error(const fs::path& path, const std::string& what) {
    return fail(Code::internal, "signing_key", "signing key " + path.string() + ": " + what);
}

std::string reason() {
    return std::generic_category().message(errno);
}

/// The algorithm of "signing-ps256.pem" and "signing-ps256-anything.pem".
jose::Algorithm rsa_algorithm_of(const std::string& name) {
    const std::string rest = name.substr(prefix.size());
    const std::string word = ascii_lower(rest.substr(0, rest.find_first_of("-.")));
    for (const jose::Algorithm algorithm : jose::all_algorithms)
        if (word == ascii_lower(jose::name_of(algorithm)) && (word.starts_with("rs") || word.starts_with("ps")))
            return algorithm;
    return jose::Algorithm::RS256;
}

/// "" when only the server's user, or root, can have written the key and read it.
std::string exposure(const struct stat& status) {
    if (!S_ISREG(status.st_mode)) return "is no file";
    if (status.st_uid != ::geteuid() && status.st_uid != 0) return "belongs to another user; run chown on it";
    if ((status.st_mode & 077) != 0) return "is readable by others; run chmod 600 on it";
    if (status.st_size > most_bytes) return "has more than 64 KiB";
    return {};
}

/// Nothing of a file that has just been removed.
Result<std::optional<KeyFile>> read_key_file(const fs::path& path) {
    // Not blocking: a FIFO in the file's place must not hold the server up.
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
    if (!fd && errno == ENOENT) return std::optional<KeyFile>();
    if (!fd) return key_error(path, "cannot be read: " + reason());
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) return key_error(path, "cannot be read: " + reason());
    if (const std::string fault = exposure(status); !fault.empty()) return key_error(path, fault);
    std::string text(static_cast<std::size_t>(status.st_size), '\0');
    std::size_t filled = 0;
    while (filled < text.size()) {
        const ssize_t count = ::read(fd.get(), text.data() + filled, text.size() - filled);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        filled += static_cast<std::size_t>(count);
    }
    text.resize(filled);
    auto key = jose::PrivateKey::from_pem(text, rsa_algorithm_of(path.filename().string()));
    wipe(text);
    if (!key) return key_error(path, key.error().message);
    return std::optional(
        KeyFile{path, std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec, std::move(*key)});
}

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t count = ::write(fd, text.data(), text.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

}  // namespace

Result<void> make_key_folder(const fs::path& folder) {
    std::error_code ec;
    fs::create_directories(folder, ec);
    if (ec) return key_error(folder, "its folder cannot be made: " + ec.message());
    // A folder mounted from elsewhere may keep its mode: the files are judged in any case.
    fs::permissions(folder, fs::perms::owner_all, ec);
    return {};
}

Result<std::vector<KeyFile>> read_key_files(const fs::path& folder) {
    std::vector<KeyFile> out;
    std::error_code ec;
    for (fs::directory_iterator at(folder, ec), end; !ec && at != end; at.increment(ec)) {
        const std::string name = at->path().filename().string();
        if (!name.starts_with(prefix) || !name.ends_with(suffix)) continue;
        auto file = read_key_file(at->path());
        if (!file) return fail(file.error());
        if (*file) out.push_back(std::move(**file));
    }
    if (ec) return key_error(folder, "the folder cannot be read: " + ec.message());
    std::sort(out.begin(), out.end(), [](const KeyFile& a, const KeyFile& b) {
        return std::pair(b.made_unix_ns, b.path) < std::pair(a.made_unix_ns, a.path);
    });
    return out;
}

Result<void> write_key_file(const fs::path& folder, const std::string& name, const jose::PrivateKey& key) {
    const fs::path path = folder / name;
    // Written beside its place and linked into it: nobody reads half a key, and
    // the link fails when another process was first. The draft's name does not
    // end as a key's does.
    const fs::path draft = path.string() + "." + random_token(6);
    const UniqueFd fd(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd) return key_error(path, "cannot be created: " + reason());
    std::string pem = key.pem();
    const bool written = !pem.empty() && write_all(fd.get(), pem) && ::fsync(fd.get()) == 0;
    const std::string cause = reason();
    wipe(pem);
    const bool linked = written && (::link(draft.c_str(), path.c_str()) == 0 || errno == EEXIST);
    const std::string link_cause = reason();
    ::unlink(draft.c_str());
    if (!written) return key_error(path, "cannot be written: " + cause);
    if (!linked) return key_error(path, "cannot be put in place: " + link_cause);
    const UniqueFd directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory) ::fsync(directory.get());
    return {};
}

}  // namespace acp::identity
