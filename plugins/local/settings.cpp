#include "settings.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <limits>

#include "alphaswarm-cp/sdk/error.hpp"
#include "json.h"

namespace acp::local {

const std::string_view kConfigSchema = R"({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "Provider local",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "supervisor_path": {"type": "string", "pattern": "^/", "description": "acp-local-supervisor; default: beside the plugin, ../../../libexec/alphaswarm-cp/acp-local-supervisor"},
    "path": {"type": "string", "minLength": 1, "default": "/usr/local/bin:/usr/bin:/bin", "description": "PATH of workloads, and where a bare command name is looked up"},
    "allow_commands": {"type": "array", "items": {"type": "string", "pattern": "^/"}, "description": "absolute paths of executables, or of folders that hold them; empty: all"},
    "run_as": {"type": "object", "additionalProperties": false, "required": ["user"], "properties": {"user": {"type": "string", "minLength": 1}, "group": {"type": "string", "minLength": 1}}, "description": "names or numbers; needs root"},
    "stop_grace_s": {"type": "number", "minimum": 0, "maximum": 3600, "default": 10, "description": "seconds between SIGTERM and SIGKILL"},
    "start_timeout_s": {"type": "number", "exclusiveMinimum": 0, "maximum": 300, "default": 10, "description": "bound of a start that has no deadline"},
    "log_max_bytes": {"type": "integer", "minimum": 4096, "maximum": 1073741824, "default": 10485760, "description": "size of one log file"},
    "log_files": {"type": "integer", "minimum": 1, "maximum": 100, "default": 3, "description": "log files kept per replica"}
  }
})";

const std::string_view kResourceSchema = R"({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "Workload metadata of provider local",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "restart": {"enum": ["always", "on-failure", "never"], "default": "always"},
    "working_dir": {"type": "string", "pattern": "^/"},
    "stop_grace_s": {"type": "number", "minimum": 0, "maximum": 3600}
  }
})";

namespace {

using sdk::Failure;

[[noreturn]] void invalid(const std::string& message) {
    throw Failure(ACP_E_INVALID, message);
}

std::optional<std::uint32_t> as_number(const std::string& text) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    return whole && value != std::numeric_limits<std::uint32_t>::max() ? std::optional(value) : std::nullopt;
}

// Names are looked up once: a running instance keeps the identity it was made with.
Identity find_identity(const std::string& user, const std::string& group) {
    std::vector<char> buffer(64 * 1024);
    Identity identity;
    passwd entry{};
    passwd* found = nullptr;
    const auto number = as_number(user);
    const int error = number ? ::getpwuid_r(*number, &entry, buffer.data(), buffer.size(), &found)
                             : ::getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (error != 0) invalid("run_as.user: cannot look up \"" + user + "\": " + ::strerror(error));
    if (!found && !number) invalid("run_as.user: there is no user \"" + user + "\" on this host");
    if (!found && group.empty()) invalid("run_as: user " + user + " has no entry, so run_as.group must be given too");
    identity.uid = found ? entry.pw_uid : *number;
    if (found) {
        identity.gid = entry.pw_gid;
        int count = 256;
        identity.groups.resize(static_cast<std::size_t>(count));
        if (::getgrouplist(entry.pw_name, entry.pw_gid, identity.groups.data(), &count) < 0)
            invalid("run_as.user: \"" + user + "\" is in more than 256 groups");
        identity.groups.resize(static_cast<std::size_t>(count));
    }
    if (!group.empty()) {
        ::group row{};
        ::group* found_group = nullptr;
        const auto gid = as_number(group);
        if (!gid &&
            (::getgrnam_r(group.c_str(), &row, buffer.data(), buffer.size(), &found_group) != 0 || !found_group))
            invalid("run_as.group: there is no group \"" + group + "\" on this host");
        identity.gid = gid ? *gid : row.gr_gid;
        identity.groups = {identity.gid};
    }
    if (::geteuid() != 0) invalid("run_as needs the control plane to run as root; leave it out otherwise");
    return identity;
}

// Lexical: what is checked is also what is executed, so `..` cannot lead out.
std::string normal(const std::string& path) {
    std::string text = std::filesystem::path(path).lexically_normal().string();
    while (text.size() > 1 && text.ends_with('/')) text.pop_back();
    return text;
}

bool allowed(const std::vector<std::string>& list, const std::string& path) {
    return list.empty() || std::any_of(list.begin(), list.end(), [&](const std::string& entry) {
               return path == entry || entry == "/" || (path.starts_with(entry) && path[entry.size()] == '/');
           });
}

// 0, or the errno that execve would give.
int executable_error(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return errno;
    if (S_ISDIR(info.st_mode)) return EISDIR;
    if (!S_ISREG(info.st_mode)) return EACCES;
    return ::access(path.c_str(), X_OK) == 0 ? 0 : errno;
}

std::string find_in_path(const std::string& path, const std::string& name) {
    for (std::size_t at = 0; at <= path.size();) {
        const auto end = std::min(path.find(':', at), path.size());
        const std::string folder = path.substr(at, end - at);
        at = end + 1;
        // An empty or relative element would mean the current folder of this process.
        if (!folder.starts_with('/')) continue;
        if (std::string candidate = normal(folder + "/" + name); executable_error(candidate) == 0) return candidate;
    }
    return {};
}

}  // namespace

Settings parse_settings(const std::string& config_json, const std::string& plugin_dir) {
    try {
        const auto object = parse_object(config_json.empty() ? "{}" : config_json);
        const Reader r(*object, "");
        r.only({"supervisor_path", "path", "allow_commands", "run_as", "stop_grace_s", "start_timeout_s",
                "log_max_bytes", "log_files"});
        Settings s;
        // Of a bundle it is a part; a package puts it where programs of programs are.
        const std::string in_bundle = plugin_dir + "/libexec/acp-local-supervisor";
        s.supervisor_path = normal(r.string_or(
            "supervisor_path", std::filesystem::exists(in_bundle)
                                   ? in_bundle
                                   : plugin_dir + "/../../../libexec/alphaswarm-cp/acp-local-supervisor"));
        if (!s.supervisor_path.starts_with('/')) throw JsonError("/supervisor_path must be an absolute path");
        s.path = r.string_or("path", "/usr/local/bin:/usr/bin:/bin");
        s.stop_grace_ms = static_cast<std::int64_t>(r.number_or("stop_grace_s", 10, 0, 3600) * 1000);
        s.start_timeout_ms = static_cast<std::int64_t>(r.number_or("start_timeout_s", 10, 0.001, 300) * 1000);
        s.log_max_bytes = r.integer_or("log_max_bytes", s.log_max_bytes, 4096, 1 << 30);
        s.log_files = r.integer_or("log_files", s.log_files, 1, 100);
        for (const auto& entry : r.strings_or_none("allow_commands")) {
            if (!entry.starts_with('/')) throw JsonError("/allow_commands must hold absolute paths only");
            s.allow_commands.push_back(normal(entry));
        }
        if (r.has("run_as")) {
            const auto raw = r.object("run_as");
            const Reader run_as(*raw, "/run_as");
            run_as.only({"user", "group"});
            s.run_as = find_identity(run_as.string("user"), run_as.string_or("group", ""));
        }
        return s;
    } catch (const JsonError& e) {
        invalid("configuration of provider local: " + std::string(e.what()));
    }
}

std::string resolve_executable(const Settings& settings, const std::string& command, const std::string& where) {
    if (command.empty()) invalid(where + " is empty; give the path or the name of an executable");
    std::string path;
    if (command.starts_with('/')) {
        path = normal(command);
        if (const int error = executable_error(path))
            invalid(where + ": cannot execute " + path + ": " + ::strerror(error) +
                    "; correct the path or make the file executable");
    } else {
        if (command.find('/') != std::string::npos)
            invalid(where + ": \"" + command + "\" is a relative path; give an absolute path or a bare name");
        path = find_in_path(settings.path, command);
        if (path.empty())
            invalid(where + ": there is no executable \"" + command + "\" in " + settings.path +
                    "; give an absolute path or extend the provider's `path`");
    }
    if (!allowed(settings.allow_commands, path))
        invalid(where + ": " + path + " is not in the provider's allow_commands");
    return path;
}

}  // namespace acp::local
