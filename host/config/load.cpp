#include "config/load.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/unique_fd.h"
#include "config/check.h"
#include "config/document.h"
#include "config/override.h"
#include "config/typed.h"
#include "config/typed_identity.h"

extern "C" char** environ;

namespace acp::config {

namespace {

constexpr std::size_t most_bytes = 1U << 20;

/// What the system says about the last failed call.
std::string reason() {
    return std::strerror(errno);
}

tl::unexpected<Error> unreadable(const std::filesystem::path& file, const std::string& why) {
    return fail(Code::invalid, "config_unreadable", "cannot read the configuration " + file.string() + ": " + why);
}

Result<std::string> read_file(const std::filesystem::path& file) {
    UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return unreadable(file, reason() + "; name the file with --config");
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) return unreadable(file, reason());
    if (S_ISDIR(status.st_mode)) return unreadable(file, "it is a folder; name a file with --config");
    if (::geteuid() == 0 && S_ISREG(status.st_mode) && (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return unreadable(file,
                          "other users may write to it, and the server runs as root; chmod go-w " + file.string());
    std::string text;
    std::string buffer(65536, '\0');
    for (;;) {
        ssize_t count = ::read(fd.get(), buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return unreadable(file, reason());
        if (count == 0) return text;
        text.append(buffer, 0, static_cast<std::size_t>(count));
        if (text.size() > most_bytes) return unreadable(file, "it has more than 1 MiB");
    }
}

Environment process_environment() {
    Environment out;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        std::string_view text(*entry);
        auto equals = text.find('=');
        if (equals != std::string_view::npos) out.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
    return out;
}

/// One value that stands in several places by an alias is one mistake.
void drop_repeated(std::vector<Violation>& violations) {
    std::vector<Violation> kept;
    for (auto& violation : violations) {
        bool repeated = std::any_of(kept.begin(), kept.end(), [&](const Violation& earlier) {
            return earlier.pointer == violation.pointer && earlier.detail == violation.detail;
        });
        if (!repeated) kept.push_back(std::move(violation));
    }
    violations = std::move(kept);
}

tl::unexpected<Error> refused(const std::filesystem::path& file, std::vector<Violation> violations) {
    drop_repeated(violations);
    Error error;
    error.code = Code::invalid;
    error.slug = "config_invalid";
    error.message = "the configuration " + file.string() + " has " +
                    (violations.size() == 1 ? "a mistake" : std::to_string(violations.size()) + " mistakes");
    error.violations = std::move(violations);
    return fail(std::move(error));
}

}  // namespace

Result<Config> load_text(std::string_view text, const std::filesystem::path& file, const Environment& environment,
                         const Overrides& overrides) {
    Document document;
    if (text.size() > most_bytes) return unreadable(file, "it has more than 1 MiB");
    document.value = read_file_text(text, file.string(), environment, document);
    // A text that is no YAML leaves nothing to look at.
    if (document.unread.count("") > 0) return refused(file, std::move(document.violations));
    if (document.value.isEmpty()) {
        document.violations.push_back(
            locate({file.string(), 1, 1}, "",
                   "the file is empty; data_dir at least is needed, config schema prints all keys"));
        return refused(file, std::move(document.violations));
    }
    apply_overrides(environment, overrides, document);
    check(document);
    if (!document.violations.empty()) return refused(file, std::move(document.violations));
    digest_client_secrets(document.value);
    Config config = typed(document.value, file);
    config.origins = std::move(document.origins);
    return config;
}

Result<Config> load(const std::filesystem::path& file, const Overrides& overrides) {
    auto text = read_file(file);
    if (!text) return fail(text.error());
    return load_text(*text, file, process_environment(), overrides);
}

std::string describe(const Error& error) {
    if (error.violations.empty()) return error.message + '\n';
    std::string out;
    for (const auto& violation : error.violations) out += violation.detail + '\n';
    return out;
}

}  // namespace acp::config
