#include "config.h"

#include <stdexcept>

#include "alphaswarm-cp/sdk/error.hpp"
#include "spec.h"

namespace acp::docker {

namespace {

constexpr std::size_t kFilesMax = 4U << 20;  // all of a workload's files together

[[noreturn]] void invalid(const std::string& message) {
    throw sdk::Failure(ACP_E_INVALID, message);
}

json::Object::Ptr to_object(const Desired& desired) {
    json::Object::Ptr out = json::object();
    out->set("env", json::object_of(desired.env));
    out->set("files", json::object_of(desired.files));
    return out;
}

json::Pairs strings_of(const json::Object::Ptr& config, const std::string& name) {
    const json::Var value = config->get(name);
    if (value.isEmpty()) return {};
    if (value.type() != typeid(json::Object::Ptr)) invalid("/" + name + " must be an object");
    json::Pairs out;
    for (const auto& [key, item] : *value.extract<json::Object::Ptr>()) {
        if (!item.isString())
            invalid("/" + name + ": the value of " + sdk::clip(key, 128) + " must be a string or null");
        out.emplace_back(key, item.extract<std::string>());
    }
    return out;
}

}  // namespace

std::string config_of(const Desired& desired) {
    return json::dump(to_object(desired));
}

void patch_config(Desired& desired, const std::string& patch) {
    json::Object::Ptr change;
    try {
        change = json::parse_object(patch);
    } catch (const std::invalid_argument&) {
        invalid("the patch must be a JSON object");
    }
    for (const auto& [name, value] : *change)
        if (name != "env" && name != "files")
            invalid("/" + sdk::clip(name, 128) + " is not known; known are env and files");
    const auto merged = json::merge_patch(to_object(desired), change).extract<json::Object::Ptr>();
    const json::Pairs env = strings_of(merged, "env");
    const json::Pairs files = strings_of(merged, "files");
    for (const auto& [name, value] : env) check_variable(name, value);
    std::size_t total = 0;
    for (const auto& [path, content] : files) {
        check_file(path, content);
        total += content.size();
    }
    if (total > kFilesMax) invalid("/files: all files together are larger than 4 MiB");
    desired.env = env;
    desired.files = files;
}

}  // namespace acp::docker
