#include "spec_check.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "json.h"

namespace acp::local {

namespace {

using sdk::Failure;

[[noreturn]] void invalid(const std::string& message) {
    throw Failure(ACP_E_INVALID, message);
}

bool lower_or_digit(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
bool letter(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

void check_strings(const std::vector<std::string>& strings, const char* field) {
    for (std::size_t i = 0; i < strings.size(); ++i)
        if (strings[i].find('\0') != std::string::npos)
            invalid(std::string(field) + "[" + std::to_string(i) +
                    "] holds a NUL character, which no process can receive");
}

void read_metadata(const std::string& json, Plan& plan) {
    if (json.empty()) return;
    try {
        const auto object = parse_object(json);
        const Reader r(*object, "/metadata");
        r.only({"restart", "working_dir", "stop_grace_s"});
        const auto policy = restart_policy(r.string_or("restart", "always"));
        if (!policy) throw JsonError("/metadata/restart must be always, on-failure or never");
        plan.restart = *policy;
        plan.working_dir = r.string_or("working_dir", "");
        plan.stop_grace_ms = static_cast<std::int64_t>(
            r.number_or("stop_grace_s", static_cast<double>(plan.stop_grace_ms) / 1000, 0, 3600) * 1000);
    } catch (const JsonError& e) {
        invalid(e.what());
    }
    struct stat info {};
    if (plan.working_dir.empty()) return;
    if (!plan.working_dir.starts_with('/')) invalid("/metadata/working_dir must be an absolute path");
    if (::stat(plan.working_dir.c_str(), &info) != 0)
        invalid("/metadata/working_dir: " + plan.working_dir + ": " + ::strerror(errno));
    if (!S_ISDIR(info.st_mode)) invalid("/metadata/working_dir: " + plan.working_dir + " is not a folder");
}

}  // namespace

bool valid_service_id(std::string_view id) noexcept {
    return !id.empty() && id.size() <= 63 && lower_or_digit(id.front()) && lower_or_digit(id.back()) &&
           std::all_of(id.begin(), id.end(), [](char c) { return lower_or_digit(c) || c == '-'; });
}

void check_variable(const std::string& name, const std::string& value, const std::string& where) {
    const bool valid =
        !name.empty() && name.size() <= 128 && letter(name.front()) &&
        std::all_of(name.begin(), name.end(), [](char c) { return letter(c) || (c >= '0' && c <= '9'); });
    if (!valid) invalid(where + ": a variable's name must match [A-Za-z_][A-Za-z0-9_]{0,127}");
    if (name.starts_with("ACP_")) invalid(where + "/" + name + ": names that begin with ACP_ are set by the provider");
    // execve refuses a single string of 128 KiB (MAX_ARG_STRLEN).
    if (value.size() > 64 * 1024) invalid(where + "/" + name + ": the value is longer than 64 KiB");
    if (value.find('\0') != std::string::npos) invalid(where + "/" + name + ": the value holds a NUL character");
}

void check_replicas(std::uint32_t replicas) {
    if (replicas > kReplicasMax)
        invalid("replicas: " + std::to_string(replicas) + " is more than the " + std::to_string(kReplicasMax) +
                " that provider local runs of one workload");
}

std::int64_t stop_grace_ms(const Settings& settings, const sdk::DeploymentSpec& spec) noexcept {
    try {
        Plan plan;
        plan.stop_grace_ms = settings.stop_grace_ms;
        read_metadata(spec.metadata_json, plan);
        return plan.stop_grace_ms;
    } catch (const std::exception&) {
        // Such as a working folder that has gone: no reason not to stop.
        return settings.stop_grace_ms;
    }
}

Plan check_spec(const Settings& settings, const sdk::DeploymentSpec& spec) {
    if (!valid_service_id(spec.service_id)) invalid("service_id must match [a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?");
    check_replicas(spec.replicas);
    if (!spec.env_from_secrets.empty())
        throw Failure(ACP_E_UNSUPPORTED,
                      "env_from_secrets: provider local has no source of secrets; give plain values in `env`");
    for (const auto& [name, value] : spec.env) check_variable(name, value, "env");
    check_strings(spec.command, "command");
    check_strings(spec.args, "args");
    try {
        if (!spec.resources_json.empty()) parse_object(spec.resources_json);
    } catch (const JsonError& e) {
        invalid("resources: " + std::string(e.what()));
    }
    Plan plan;
    plan.stop_grace_ms = settings.stop_grace_ms;
    read_metadata(spec.metadata_json, plan);
    if (spec.command.empty() && spec.image.empty())
        invalid("command is missing: provider local runs `command` with `args`, or the executable named by `image`");
    const bool by_command = !spec.command.empty();
    plan.executable = resolve_executable(settings, by_command ? spec.command.front() : spec.image,
                                         by_command ? "command[0]" : "image");
    plan.argv = by_command ? spec.command : std::vector<std::string>{spec.image};
    plan.argv.insert(plan.argv.end(), spec.args.begin(), spec.args.end());
    return plan;
}

}  // namespace acp::local
