#include "workload_config.h"

#include <algorithm>

#include "files.h"
#include "json.h"
#include "spec_check.h"

namespace acp::local {

namespace {

using Poco::Dynamic::Var;
using sdk::Failure;
namespace fs = std::filesystem;

constexpr std::size_t kVariablesMax = 512;
constexpr std::size_t kFilesMax = 64;
constexpr std::size_t kFileBytesMax = 256 * 1024;
constexpr std::size_t kFilesBytesMax = 1024 * 1024;
constexpr std::size_t kDocumentMax = 16 * 1024 * 1024;

bool is_object(const Var& value) {
    return !value.isEmpty() && value.type() == typeid(JsonObject);
}

// RFC 7396 section 2.
Var merge_patch(const Var& target, const Var& patch) {
    if (!is_object(patch)) return patch;
    JsonObject result = is_object(target) ? JsonObject(new Poco::JSON::Object(*target.extract<JsonObject>()))
                                          : JsonObject(new Poco::JSON::Object);
    for (const auto& [name, value] : *patch.extract<JsonObject>()) {
        if (value.isEmpty())
            result->remove(name);
        else
            result->set(name, merge_patch(result->get(name), value));
    }
    return result;
}

bool valid_file_name(const std::string& name) {
    return !name.empty() && name.size() <= 128 && name.front() != '.' &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                      c == '_' || c == '-';
           });
}

void check_files(const std::map<std::string, std::string>& files) {
    std::size_t total = 0;
    for (const auto& [name, content] : files) {
        if (!valid_file_name(name))
            throw JsonError("/files: a file's name must match [A-Za-z0-9_-][A-Za-z0-9._-]{0,127}");
        if (content.size() > kFileBytesMax) throw JsonError("/files/" + name + " is larger than 256 KiB");
        total += content.size();
    }
    if (files.size() > kFilesMax) throw JsonError("/files holds more than 64 files");
    if (total > kFilesBytesMax) throw JsonError("/files holds more than 1 MiB in all");
}

std::map<std::string, std::string> to_map(const StringPairs& pairs) {
    return {pairs.begin(), pairs.end()};
}

}  // namespace

WorkloadConfig WorkloadConfig::load(const fs::path& workload_folder) {
    WorkloadConfig config;
    const auto text = read_file(workload_folder / "config.json", kDocumentMax);
    if (!text) return config;
    const auto object = parse_object(*text);
    const Reader r(*object, "");
    for (const auto& [name, value] : *r.object("env"))
        config.env_[name] = value.isEmpty() ? std::nullopt : std::optional(value.convert<std::string>());
    config.files_ = to_map(r.pairs_or_none("files"));
    check_files(config.files_);
    return config;
}

void WorkloadConfig::save(const fs::path& workload_folder) const {
    Poco::JSON::Object o, env;
    for (const auto& [name, value] : env_) env.set(name, value ? Var(*value) : Var());
    o.set("env", env);
    o.set("files", to_object({files_.begin(), files_.end()}));
    write_file(workload_folder / "config.json", to_text(o), 0600, Durable::yes);
    write_files(workload_folder);
}

void WorkloadConfig::write_files(const fs::path& workload_folder) const {
    const fs::path folder = workload_folder / "config";
    fs::create_directories(folder);
    for (const auto& entry : fs::directory_iterator(folder))
        if (!files_.contains(entry.path().filename())) fs::remove_all(entry.path());
    // Readable by the process, whoever it runs as; the folders above are private.
    for (const auto& [name, content] : files_) write_file(folder / name, content, 0644, Durable::no);
}

std::map<std::string, std::string> WorkloadConfig::environment(const sdk::DeploymentSpec& spec) const {
    auto all = to_map(spec.env);
    for (const auto& [name, value] : env_) {
        if (value)
            all[name] = *value;
        else
            all.erase(name);
    }
    return all;
}

std::string WorkloadConfig::to_json(const sdk::DeploymentSpec& spec) const {
    const auto env = environment(spec);
    Poco::JSON::Object o;
    o.set("env", to_object({env.begin(), env.end()}));
    o.set("files", to_object({files_.begin(), files_.end()}));
    return to_text(o);
}

WorkloadConfig WorkloadConfig::patched(const sdk::DeploymentSpec& spec, const std::string& patch_json) const {
    try {
        const Var result = merge_patch(parse_object(to_json(spec)), parse_object(patch_json));
        const auto object = result.extract<JsonObject>();
        const Reader r(*object, "");
        r.only({"env", "files"});
        const auto env = to_map(r.pairs_or_none("env"));
        WorkloadConfig next;
        next.files_ = to_map(r.pairs_or_none("files"));
        check_files(next.files_);
        if (env.size() > kVariablesMax) throw JsonError("/env holds more than 512 variables");
        const auto base = to_map(spec.env);
        for (const auto& [name, value] : env) {
            check_variable(name, value, "/env");
            if (auto it = base.find(name); it == base.end() || it->second != value) next.env_[name] = value;
        }
        for (const auto& [name, value] : base)
            if (!env.contains(name)) next.env_[name] = std::nullopt;
        return next;
    } catch (const JsonError& e) {
        throw Failure(ACP_E_INVALID, "the patched configuration is not valid: " + std::string(e.what()));
    }
}

}  // namespace acp::local
