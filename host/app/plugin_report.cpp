#include "app/plugin_report.h"

#include "bundle/refusal.h"

namespace acp::app {

namespace {

json::Array::Ptr list(const std::vector<std::string>& words) {
    auto out = json::array();
    for (const auto& word : words) out->add(word);
    return out;
}

std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for (const auto& word : words) out += (out.empty() ? "" : ", ") + word;
    return out.empty() ? "none" : out;
}

}  // namespace

json::Object::Ptr as_json(const Fault& fault) {
    return json::object({{"stage", fault.stage},
                         {"message", fault.message},
                         {"expected", fault.expected},
                         {"found", fault.found},
                         {"remedy", fault.remedy}});
}

json::Object::Ptr as_json(const bundle::Opened& opened) {
    auto out = json::object(
        {{"path", bundle::shown(opened.path.string(), 4096)}, {"verdict", opened.fault ? "refused" : "good"}});
    if (opened.manifest) {
        out->set("id", opened.manifest->id);
        out->set("version", opened.manifest->version);
        out->set("sha256", opened.sha256);
        out->set("keys", list(opened.keys));
    }
    if (opened.fault) out->set("fault", as_json(*opened.fault));
    return out;
}

json::Object::Ptr as_json(const bundle::Manifest& manifest) {
    const auto& abi = manifest.abi;
    const auto& platform = manifest.platform;
    auto files = json::object();
    for (const auto& [name, file] : manifest.files)
        files->set(name, json::object(
                             {{"sha256", file.sha256}, {"size", file.size}, {"mode", file.is_exec ? "exec" : "data"}}));
    return json::object(
        {{"manifest", 1},
         {"id", manifest.id},
         {"version", manifest.version},
         {"vendor", manifest.vendor},
         {"abi", json::object(
                     {{"major", abi.major}, {"minor_built", abi.minor_built}, {"minor_required", abi.minor_required}})},
         {"platform", json::object({{"os", platform.os},
                                    {"arch", platform.arch},
                                    {"libc", platform.libc},
                                    {"libc_min", platform.libc_min}})},
         {"interfaces", list(manifest.interfaces)},
         {"files", files}});
}

json::Object::Ptr as_json(const bundle::ElfFacts& facts) {
    return json::object({{"arch", facts.arch},
                         {"libc_min", facts.libc_min},
                         {"exports", list(facts.exports)},
                         {"needed", list(facts.needed)},
                         {"sha256", facts.sha256},
                         {"size", facts.size}});
}

std::string told(const Fault& fault) {
    return fault.message + "\n  expected: " + fault.expected + "\n  found: " + fault.found +
           "\n  remedy: " + fault.remedy + "\n";
}

std::string told(const bundle::Manifest& manifest) {
    const auto& abi = manifest.abi;
    const auto& platform = manifest.platform;
    std::string out = "id          " + manifest.id + "\nversion     " + manifest.version + "\nvendor      " +
                      bundle::shown(manifest.vendor);
    out += "\nplugin API  " + std::to_string(abi.major) + "." + std::to_string(abi.minor_required) +
           " or newer, built with " + std::to_string(abi.major) + "." + std::to_string(abi.minor_built);
    out += "\nplatform    " + platform.os + " " + platform.arch + " " + platform.libc + " " + platform.libc_min +
           "\ninterfaces  " + joined(manifest.interfaces) + "\nfiles\n";
    for (const auto& [name, file] : manifest.files)
        out += "  " + file.sha256 + "  " + (file.is_exec ? "exec" : "data") + "  " + std::to_string(file.size) + "  " +
               name + "\n";
    return out;
}

std::string told(const bundle::ElfFacts& facts) {
    return "platform    linux " + facts.arch + (facts.libc_min.empty() ? "" : " glibc " + facts.libc_min) +
           "\nexports     " + joined(facts.exports) + "\nneeds       " + joined(facts.needed) + "\nsize        " +
           std::to_string(facts.size) + "\nsha256      " + facts.sha256 + "\n";
}

std::string vouched(const bundle::Opened& opened) {
    return opened.keys.empty() ? "not signed by a trusted key" : "signed by " + joined(opened.keys);
}

}  // namespace acp::app
