// The vendor's commands: plugin bundle and plugin keygen.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>

#include "alphaswarm-cp/plugin.h"
#include "app/plugin_commands.h"
#include "bundle/elf.h"
#include "bundle/names.h"
#include "bundle/pack.h"
#include "bundle/platform.h"
#include "bundle/signing.h"
#include "bundle/trust_keys.h"

namespace acp::app {

namespace fs = std::filesystem;

namespace {

struct BundleOptions {
    std::string path;
    std::string output;
    std::optional<std::string> id, version, vendor;
    std::vector<std::string> interfaces;
    std::optional<std::int64_t> minor_built, minor_required;
    std::optional<std::string> schema, licenses, sbom;
    std::vector<std::string> files;  ///< NAME=PATH
    std::string key;
};

struct KeygenOptions {
    std::string output;
    std::string prefixes;
};

tl::unexpected<Error> refuse(const std::string& message) {
    return fail(Code::invalid, "bundle", message);
}

/// The values that stand where the command line says nothing: those of the
/// manifest that a folder may bring along.
Result<bundle::Manifest> draft_of(const fs::path& path) {
    const fs::path file = path / bundle::manifest_name;
    std::error_code ec;
    // Of a shared object there is no such file either.
    if (!fs::exists(file, ec)) {
        bundle::Manifest out;
        out.abi.minor_built = ACP_ABI_MINOR;
        return out;
    }
    std::ifstream stream(file, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(stream), {}};
    if (!stream) return refuse(file.string() + " cannot be read");
    return bundle::read_manifest(text, file.string());
}

Result<void> describe(const BundleOptions& options, bundle::Manifest& manifest) {
    auto take = [](const auto& given, auto& into) {
        if (given) into = *given;
    };
    take(options.id, manifest.id);
    take(options.version, manifest.version);
    take(options.vendor, manifest.vendor);
    take(options.minor_built, manifest.abi.minor_built);
    take(options.minor_required, manifest.abi.minor_required);
    if (!options.interfaces.empty()) manifest.interfaces = options.interfaces;
    std::string missing;
    auto demand = [&](bool is_there, const char* option) {
        if (!is_there) missing.append(missing.empty() ? "" : ", ").append(option);
    };
    demand(!manifest.id.empty(), "--id");
    demand(!manifest.version.empty(), "--version");
    demand(!manifest.vendor.empty(), "--vendor");
    demand(!manifest.interfaces.empty(), "--interfaces");
    if (!missing.empty())
        return refuse("the manifest needs " + missing + "; give them, or a manifest.yaml in the folder");
    return {};
}

Result<bundle::Contents> contents_of(const BundleOptions& options, bool is_folder) {
    bundle::Contents out;
    if (is_folder) {
        auto found = bundle::contents_of(options.path);
        if (!found) return found;
        out = std::move(*found);
    } else {
        out.emplace(bundle::library_name, options.path);
    }
    auto take = [&](const std::optional<std::string>& path, const char* name) {
        if (path) out.insert_or_assign(name, *path);
    };
    take(options.schema, "config.schema.json");
    take(options.licenses, "LICENSES");
    take(options.sbom, "sbom.json");
    for (const auto& file : options.files) {
        auto equals = file.find('=');
        if (equals == std::string::npos || equals + 1 == file.size())
            return refuse("--file " + file + " is not NAME=PATH");
        const std::string name = file.substr(0, equals);
        if (std::string fault = bundle::name_fault(name); !fault.empty())
            return refuse("--file " + file + ": the name " + fault);
        out.insert_or_assign(name, file.substr(equals + 1));
    }
    if (out.count(std::string(bundle::library_name)) == 0)
        return refuse(options.path + " has no " + std::string(bundle::library_name));
    return out;
}

Result<void> make(const BundleOptions& options) {
    std::error_code ec;
    const bool is_folder = fs::is_directory(options.path, ec);
    auto manifest = draft_of(options.path);
    if (!manifest) return fail(manifest.error());
    if (auto described = describe(options, *manifest); !described) return described;
    auto contents = contents_of(options, is_folder);
    if (!contents) return fail(contents.error());
    // What the shared object itself says is right; a manifest could be wrong.
    auto facts = bundle::read_elf_file(contents->at(std::string(bundle::library_name)));
    if (!facts) return fail(facts.error());
    const std::string entry = ACP_ENTRY_SYMBOL;
    if (std::find(facts->exports.begin(), facts->exports.end(), entry) == facts->exports.end())
        return refuse(contents->at(std::string(bundle::library_name)).string() + " exports no " + entry +
                      "; build it with acp_add_plugin()");
    manifest->abi.major = ACP_ABI_MAJOR;
    manifest->platform.arch = facts->arch;
    manifest->platform.libc_min = facts->libc_min.empty() ? "2.0" : facts->libc_min;
    if (auto measured = bundle::measure(*contents, *manifest); !measured) return measured;
    tls::KeyPtr key;
    if (!options.key.empty()) {
        auto read = bundle::read_signing_key(options.key);
        if (!read) return fail(read.error());
        key = std::move(*read);
    }
    auto sha256 = bundle::pack(*contents, *manifest, key.get(), options.output);
    if (!sha256) return fail(sha256.error());
    std::cout << options.output << ": " << manifest->id << " " << manifest->version << ", "
              << (key ? "signed by " + bundle::key_id(key.get()) : "not signed") << ", manifest sha256 " << *sha256
              << "\n";
    return {};
}

int bundle_command(const BundleOptions& options) {
    auto made = make(options);
    return made ? kOk : fail_with(made.error());
}

int keygen(const KeygenOptions& options) {
    auto prefixes = bundle::read_prefixes(options.prefixes);
    if (!prefixes) {
        prefixes.error().message = "--prefixes " + prefixes.error().message;
        return fail_with(prefixes.error());
    }
    auto id = bundle::make_key_pair(options.output, *prefixes);
    if (!id) return fail_with(id.error());
    std::cout << options.output << ".key and " << options.output << ".pem: key " << *id << "\n";
    return kOk;
}

}  // namespace

void add_bundle_commands(CommandGroup& plugins) {
    auto options = std::make_shared<BundleOptions>();
    auto* command = plugins.group->add_subcommand(
        "bundle", "Make an .acpb from a plugin and what belongs to it, signed if a key is given");
    command->add_option("path", options->path, "Folder with plugin.so, or the shared object itself")
        ->required()
        ->check(CLI::ExistingPath);
    command->add_option("--output", options->output, "The .acpb file to write")->required();
    command->add_option("--id", options->id, "Id of the plugin");
    command->add_option("--version", options->version, "Semantic version");
    command->add_option("--vendor", options->vendor, "Who makes it");
    command->add_option("--interfaces", options->interfaces, "Ids of its interfaces, such as acp.provider/1,acp.logs/1")
        ->delimiter(',');
    command->add_option("--abi-minor-built", options->minor_built, "Minor version of the plugin API it was built with")
        ->check(CLI::Range(0, 65535));
    command
        ->add_option("--abi-minor-required", options->minor_required, "Least minor version of the plugin API it needs")
        ->check(CLI::Range(0, 65535));
    command->add_option("--schema", options->schema, "Becomes config.schema.json");
    command->add_option("--licenses", options->licenses, "Becomes LICENSES");
    command->add_option("--sbom", options->sbom, "Becomes sbom.json");
    command->add_option("--file", options->files, "NAME=PATH: one more file; may be given several times");
    command->add_option("--key", options->key, "Ed25519 private key to sign with, as PEM");
    plugins.add(command, [options] { return bundle_command(*options); });

    auto keys = std::make_shared<KeygenOptions>();
    auto* keygen_command = plugins.group->add_subcommand("keygen", "Make a key pair to sign bundles with");
    keygen_command->add_option("--output", keys->output, "NAME: writes NAME.key and NAME.pem")->required();
    keygen_command
        ->add_option("--prefixes", keys->prefixes,
                     "Plugin ids it may sign: whole labels, such as com.example,org.example.thing")
        ->required();
    plugins.add(keygen_command, [keys] { return keygen(*keys); });
}

}  // namespace acp::app
