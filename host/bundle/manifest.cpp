#include "bundle/manifest.h"

#include <algorithm>

#include "bundle/document.h"
#include "bundle/names.h"
#include "bundle/version.h"
#include "embed/bundle_manifest_schema.h"
#include "json/pointer.h"

namespace acp::bundle {

namespace {

const json::Schema& schema() {
    static const json::Schema compiled = embedded_schema(manifest_schema_text());
    return compiled;
}

std::string text(const json::Object::Ptr& object, const std::string& name) {
    return object->getValue<std::string>(name);
}
std::int64_t number(const json::Object::Ptr& object, const std::string& name) {
    return object->getValue<std::int64_t>(name);
}

/// What the schema has let through.
Manifest typed(const json::Object::Ptr& root) {
    Manifest out;
    out.id = text(root, "id");
    out.version = text(root, "version");
    out.vendor = text(root, "vendor");
    auto abi = root->getObject("abi");
    out.abi = {number(abi, "major"), number(abi, "minor_built"), number(abi, "minor_required")};
    auto platform = root->getObject("platform");
    out.platform = {text(platform, "os"), text(platform, "arch"), text(platform, "libc"), text(platform, "libc_min")};
    for (const auto& interface : *root->getArray("interfaces"))
        out.interfaces.push_back(interface.extract<std::string>());
    auto files = root->getObject("files");
    for (const auto& name : files->getNames()) {
        auto file = files->getObject(name);
        out.files.emplace(name, ManifestFile{text(file, "sha256"), number(file, "size"), text(file, "mode") == "exec"});
    }
    return out;
}

/// Files whose meaning is fixed, all of them read and not run.
constexpr std::string_view known_data[] = {"config.schema.json", "LICENSES", "sbom.json"};

/// What the schema cannot say.
void check_meaning(const Manifest& manifest, config::Document& document) {
    if (!parse_version(manifest.version))
        document.refuse("/version", "is no semantic version; write MAJOR.MINOR.PATCH, such as 1.4.0 or 2.0.0-rc.1");
    if (manifest.abi.minor_required > manifest.abi.minor_built)
        document.refuse("/abi/minor_required",
                        "is more than minor_built; a plugin cannot need more than it was built with");
    std::int64_t total = 0;
    for (const auto& [name, file] : manifest.files) {
        const std::string pointer = json::child("/files", name);
        if (std::string fault = name_fault(name); !fault.empty()) {
            document.refuse(pointer, "the name " + fault + "; give each file a plain relative name");
            continue;
        }
        if (name == manifest_name || name == signature_name)
            document.refuse(pointer, "cannot list itself; remove the entry");
        if (name == library_name && !file.is_exec) document.refuse(json::child(pointer, "mode"), "must be exec");
        if (file.is_exec && std::find(std::begin(known_data), std::end(known_data), name) != std::end(known_data))
            document.refuse(json::child(pointer, "mode"), "must be data");
        for (auto slash = name.find('/'); slash != std::string::npos; slash = name.find('/', slash + 1)) {
            std::string folder = name.substr(0, slash);
            if (manifest.files.count(folder) > 0 || folder == manifest_name || folder == signature_name)
                document.refuse(pointer, "lies in " + folder + ", which is a file");
        }
        total += file.size;
    }
    if (total > most_bundle_bytes) document.refuse("/files", "have more than 512 MiB together");
}

}  // namespace

Result<Manifest> read_manifest(std::string_view text, const std::string& source) {
    const std::string what = "the manifest " + source;
    if (static_cast<std::int64_t>(text.size()) > most_manifest_bytes)
        return fail(Code::invalid, "manifest_invalid", what + " has more than 256 KiB");
    config::Document document = read_document(text, source, schema());
    if (!document.violations.empty()) return mistakes("manifest_invalid", what, std::move(document));
    Manifest out = typed(document.value.extract<json::Object::Ptr>());
    check_meaning(out, document);
    if (!document.violations.empty()) return mistakes("manifest_invalid", what, std::move(document));
    return out;
}

std::string write_manifest(const Manifest& manifest) {
    using json::quoted;
    const auto& abi = manifest.abi;
    const auto& platform = manifest.platform;
    std::string out = "manifest: 1\n";
    out += "id: " + quoted(manifest.id) + "\nversion: " + quoted(manifest.version) +
           "\nvendor: " + quoted(manifest.vendor);
    out += "\nabi: {major: " + std::to_string(abi.major) + ", minor_built: " + std::to_string(abi.minor_built) +
           ", minor_required: " + std::to_string(abi.minor_required) + "}\n";
    out += "platform: {os: " + quoted(platform.os) + ", arch: " + quoted(platform.arch) +
           ", libc: " + quoted(platform.libc) + ", libc_min: " + quoted(platform.libc_min) + "}\ninterfaces:\n";
    for (const auto& interface : manifest.interfaces) out += "  - " + quoted(interface) + "\n";
    out += "files:\n";
    for (const auto& [name, file] : manifest.files)
        out += "  " + quoted(name) + ": {sha256: " + quoted(file.sha256) + ", size: " + std::to_string(file.size) +
               ", mode: " + (file.is_exec ? "exec" : "data") + "}\n";
    return out;
}

std::string_view manifest_schema_text() noexcept {
    return embed::bundle_manifest_schema();
}

bool is_plugin_id(std::string_view id) noexcept {
    if (id.empty() || id.size() > 64 || id.front() == '.' || id.back() == '.') return false;
    if (id.find("..") != std::string_view::npos) return false;
    return std::all_of(id.begin(), id.end(),
                       [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-'; });
}

}  // namespace acp::bundle
