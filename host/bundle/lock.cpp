#include "bundle/lock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include "base/bytes.h"
#include "base/unique_fd.h"
#include "bundle/document.h"
#include "bundle/owned.h"
#include "bundle/version.h"
#include "embed/bundle_lock_schema.h"
#include "json/pointer.h"

namespace acp::bundle {

namespace {

constexpr std::size_t most_bytes = 1U << 20;

const json::Schema& schema() {
    static const json::Schema compiled = embedded_schema(embed::bundle_lock_schema());
    return compiled;
}

void sort(Lock& lock) {
    std::sort(lock.plugins.begin(), lock.plugins.end(), [](const Pin& a, const Pin& b) { return a.id < b.id; });
}

bool write_whole(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        ssize_t count = ::write(fd, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

}  // namespace

const Pin* Lock::find(std::string_view id) const noexcept {
    auto found = std::find_if(plugins.begin(), plugins.end(), [&](const Pin& p) { return p.id == id; });
    return found == plugins.end() ? nullptr : &*found;
}

Result<Lock> read_lock(std::string_view text, const std::string& source) {
    const std::string what = "the lock file " + source;
    config::Document document = read_document(text, source, schema());
    if (!document.violations.empty()) return mistakes("lock_invalid", what, std::move(document));
    Lock out;
    auto list = document.value.extract<json::Object::Ptr>()->getArray("plugins");
    for (std::size_t i = 0; i < list->size(); ++i) {
        auto entry = list->getObject(static_cast<unsigned>(i));
        auto member = [&](const char* name) { return entry->getValue<std::string>(name); };
        Pin pin{member("id"), member("version"), member("sha256"), member("key")};
        const std::string pointer = json::child("/plugins", i);
        if (out.find(pin.id))
            document.refuse(json::child(pointer, "id"), "the plugin " + pin.id + " is pinned twice; keep one");
        if (!parse_version(pin.version)) document.refuse(json::child(pointer, "version"), "is no semantic version");
        out.plugins.push_back(std::move(pin));
    }
    if (!document.violations.empty()) return mistakes("lock_invalid", what, std::move(document));
    sort(out);
    return out;
}

std::string write_lock(const Lock& lock) {
    std::string out =
        "# Written by alphaswarm-cp plugin lock: the plugins that may be loaded while plugins.trust is locked.\nlock: "
        "1\n";
    out += lock.plugins.empty() ? "plugins: []\n" : "plugins:\n";
    for (const auto& pin : lock.plugins)
        out += "  - id: " + json::quoted(pin.id) + "\n    version: " + json::quoted(pin.version) +
               "\n    sha256: " + json::quoted(pin.sha256) + "\n    key: " + json::quoted(pin.key) + "\n";
    return out;
}

Result<Lock> load_lock(const std::filesystem::path& file) {
    auto text = read_owned_file(file, "the lock file", most_bytes);
    if (!text) return fail(text.error());
    return read_lock(*text, file.string());
}

Result<void> save_lock(const std::filesystem::path& file, const Lock& lock) {
    auto refuse = [&](int cause) {
        errno = cause;
        return fail(Code::invalid, "lock_unwritable",
                    "the lock file " + file.string() + " cannot be written: " + system_reason());
    };
    const std::string draft = file.string() + "." + random_token(6);
    UniqueFd fd(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (!fd) return refuse(errno);
    // Whatever the umask: the server may run as another user than the one who locks.
    if (!write_whole(fd.get(), write_lock(lock)) || ::fchmod(fd.get(), 0644) != 0 || ::fsync(fd.get()) != 0 ||
        ::rename(draft.c_str(), file.c_str()) != 0) {
        const int cause = errno;
        ::unlink(draft.c_str());
        return refuse(cause);
    }
    const auto folder = file.parent_path();
    UniqueFd parent(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!parent || ::fsync(parent.get()) != 0) return refuse(errno);
    return {};
}

Result<Lock> renewed(const Lock& old, std::vector<Pin> fresh, bool allow_downgrade, std::vector<std::string>& changes) {
    Lock out{std::move(fresh)};
    sort(out);
    for (std::size_t i = 0; i < out.plugins.size(); ++i) {
        const Pin& pin = out.plugins[i];
        if (i > 0 && out.plugins[i - 1].id == pin.id)
            return fail(Code::conflict, "lock_twice", "two bundles have the id " + pin.id + "; remove one of them");
        const Pin* before = old.find(pin.id);
        if (!before) {
            changes.push_back("added " + pin.id + " " + pin.version);
            continue;
        }
        if (*before == pin) continue;
        const auto now = parse_version(pin.version);
        const auto then = parse_version(before->version);
        if (!now || !then) return fail(Code::invalid, "lock_invalid", pin.id + " has no semantic version");
        const bool is_lower = *now < *then;
        if (is_lower && !allow_downgrade)
            return fail(Code::conflict, "lock_downgrade",
                        pin.id + " is pinned at version " + before->version + " and found as the older " + pin.version +
                            "; remove the older bundle, or allow it with --allow-downgrade");
        changes.push_back((is_lower        ? "downgraded "
                           : *now == *then ? "repinned "
                                           : "upgraded ") +
                          pin.id + " " + before->version + " -> " + pin.version +
                          (pin.key == before->key ? "" : ", signed by another key"));
    }
    for (const auto& pin : old.plugins)
        if (!out.find(pin.id)) changes.push_back("removed " + pin.id + " " + pin.version);
    return out;
}

}  // namespace acp::bundle
