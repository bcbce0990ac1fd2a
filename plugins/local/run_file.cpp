#include "run_file.h"

#include <array>
#include <limits>

#include "json.h"

namespace acp::local {

namespace {

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
constexpr std::array kPolicies = {"always", "on-failure", "never"};
constexpr std::array kPhases = {"starting", "running", "backoff", "stopping", "stopped", "exited", "failed"};

template <typename Enum, std::size_t N>
std::optional<Enum> find_name(const std::array<const char*, N>& names, const std::string& name) noexcept {
    for (std::size_t i = 0; i < N; ++i)
        if (name == names[i]) return static_cast<Enum>(i);
    return std::nullopt;
}

JsonObject launch_object(const Launch& launch) {
    JsonObject o = new Poco::JSON::Object;
    o->set("executable", launch.executable);
    o->set("argv", to_array(launch.argv));
    o->set("env", to_array(launch.env));
    o->set("working_dir", launch.working_dir);
    o->set("terminal", launch.terminal);
    if (launch.identity) {
        JsonObject identity = new Poco::JSON::Object;
        identity->set("uid", std::int64_t{launch.identity->uid});
        identity->set("gid", std::int64_t{launch.identity->gid});
        Poco::JSON::Array::Ptr groups = new Poco::JSON::Array;
        for (auto group : launch.identity->groups) groups->add(std::int64_t{group});
        identity->set("groups", groups);
        o->set("identity", identity);
    }
    return o;
}

Launch launch_of(const Poco::JSON::Object& object, std::string at) {
    const Reader r(object, std::move(at));
    Launch launch;
    launch.executable = r.string("executable");
    launch.argv = r.strings("argv");
    launch.env = r.strings("env");
    launch.working_dir = r.string("working_dir");
    launch.terminal = r.boolean("terminal");
    if (launch.argv.empty()) throw JsonError(r.pointer("argv") + " must not be empty");
    if (r.has("identity")) {
        const auto raw = r.object("identity");
        const Reader i(*raw, r.pointer("identity"));
        Identity identity;
        identity.uid = static_cast<::uid_t>(i.integer("uid", 0, std::numeric_limits<::uid_t>::max() - 1));
        identity.gid = static_cast<::gid_t>(i.integer("gid", 0, std::numeric_limits<::gid_t>::max() - 1));
        for (const auto& group : *i.array_or_none("groups")) identity.groups.push_back(group.convert<::gid_t>());
        launch.identity = std::move(identity);
    }
    return launch;
}

}  // namespace

const char* to_string(RestartPolicy policy) noexcept {
    return kPolicies[static_cast<std::size_t>(policy)];
}
std::optional<RestartPolicy> restart_policy(const std::string& name) noexcept {
    return find_name<RestartPolicy>(kPolicies, name);
}
const char* to_string(Phase phase) noexcept {
    return kPhases[static_cast<std::size_t>(phase)];
}

std::string to_json(const Launch& launch) {
    return to_text(*launch_object(launch));
}

Launch launch_from(const std::string& json) {
    return launch_of(*parse_object(json), "");
}

std::string to_json(const RunFile& file) {
    Poco::JSON::Object o;
    o.set("revision", static_cast<std::int64_t>(file.revision));
    o.set("launch", launch_object(file.launch));
    o.set("restart", to_string(file.restart));
    o.set("stop_grace_ms", file.stop_grace_ms);
    o.set("log_max_bytes", file.log_max_bytes);
    o.set("log_files", file.log_files);
    return to_text(o);
}

RunFile run_file_from(const std::string& json) {
    const auto object = parse_object(json);
    const Reader r(*object, "");
    RunFile file;
    file.revision = static_cast<std::uint64_t>(r.integer("revision", 0, kMax));
    file.launch = launch_of(*r.object("launch"), "/launch");
    const auto policy = restart_policy(r.string("restart"));
    if (!policy) throw JsonError("/restart must be always, on-failure or never");
    file.restart = *policy;
    file.stop_grace_ms = r.integer("stop_grace_ms", 0, 3'600'000);
    file.log_max_bytes = r.integer("log_max_bytes", 1, kMax);
    file.log_files = r.integer("log_files", 1, 1000);
    return file;
}

std::string to_json(const State& state) {
    Poco::JSON::Object o;
    o.set("revision", static_cast<std::int64_t>(state.revision));
    o.set("supervisor_pid", state.supervisor_pid);
    o.set("pid", state.pid);
    o.set("phase", to_string(state.phase));
    o.set("since_unix_ms", state.since_unix_ms);
    o.set("start_unix_ms", state.start_unix_ms);
    o.set("restarts", state.restarts);
    if (state.exit_code) o.set("exit_code", *state.exit_code);
    if (state.signal) o.set("signal", *state.signal);
    o.set("message", state.message);
    o.set("log_lost", state.log_lost);
    return to_text(o);
}

State state_from(const std::string& json) {
    constexpr std::int64_t pid_max = std::numeric_limits<::pid_t>::max();
    const auto object = parse_object(json);
    const Reader r(*object, "");
    State state;
    state.revision = static_cast<std::uint64_t>(r.integer("revision", 0, kMax));
    state.supervisor_pid = static_cast<::pid_t>(r.integer("supervisor_pid", 0, pid_max));
    state.pid = static_cast<::pid_t>(r.integer("pid", 0, pid_max));
    const auto phase = find_name<Phase>(kPhases, r.string("phase"));
    if (!phase) throw JsonError("/phase is not known");
    state.phase = *phase;
    state.since_unix_ms = r.integer("since_unix_ms", 0, kMax);
    state.start_unix_ms = r.integer("start_unix_ms", 0, kMax);
    state.restarts = r.integer("restarts", 0, kMax);
    if (r.has("exit_code")) state.exit_code = static_cast<int>(r.integer("exit_code", 0, 255));
    if (r.has("signal")) state.signal = static_cast<int>(r.integer("signal", 1, 127));
    state.message = r.string("message");
    state.log_lost = r.integer("log_lost", 0, kMax);
    return state;
}

}  // namespace acp::local
