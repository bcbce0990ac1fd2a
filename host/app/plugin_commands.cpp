#include "app/plugin_commands.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>

#include "app/plugin_report.h"
#include "bundle/found.h"
#include "bundle/refusal.h"
#include "bundle/source.h"

namespace acp::app {

namespace fs = std::filesystem;
using bundle::Form;
using bundle::Policy;

namespace {

struct Options {
    Common common;
    std::string path;
    std::string trust;
    std::string lock;
    std::string output;
    bool as_json = false;
    bool allow_downgrade = false;
};

/// What the configuration says; `wanted` instead of its policy when given.
bundle::Trust trust_of(const config::Plugins& plugins, std::optional<Policy> wanted = {}) {
    // The schema has let through the three words only.
    return bundle::load_trust(wanted ? *wanted : *bundle::parse_policy(plugins.trust), plugins.trust_keys,
                              plugins.lock);
}

/// One line of `list`.
struct Listed {
    json::Object::Ptr json;
    std::string text;
};

Listed judge_bare(const fs::path& path, Policy policy) {
    auto out = json::object({{"path", bundle::shown(path.string(), 4096)}, {"kind", "library"}});
    auto fault = bundle::refuse_bare(path, policy);
    if (auto facts = bundle::read_elf_file(path); !facts && !fault)
        fault = Fault{"file", "plugin " + bundle::shown(path.string()) + ": it is no shared object",
                      "an ELF shared object", facts.error().message, "rebuild it with acp_add_plugin()"};
    out->set("verdict", fault ? "refused" : "good");
    if (fault) out->set("fault", as_json(*fault));
    return {out,
            fault ? "refused  " + told(*fault) : "good     " + path.string() + ": a bare shared object, not signed\n"};
}

Listed judge_bundle(const fs::path& path, const bundle::Trust& trust) {
    const auto opened = bundle::verify_bundle(path, trust);
    auto out = as_json(opened);
    out->set("kind", bundle::form_of(path) == Form::folder ? "folder" : "archive");
    if (opened.fault) return {out, "refused  " + told(*opened.fault)};
    return {out, "good     " + path.string() + ": " + opened.manifest->id + " " + opened.manifest->version + ", " +
                     vouched(opened) + "\n"};
}

int list(const Options& options) {
    auto config = load(options.common);
    if (!config) return fail_with(config.error());
    const auto trust = trust_of(config->plugins);
    auto entries = json::array();
    std::string text;
    bool is_whole = true;
    for (const auto& directory : config->plugins.directories) {
        auto paths = bundle::found_in(directory);
        if (!paths) {
            fail_with(paths.error());
            is_whole = false;
            continue;
        }
        for (const auto& path : *paths) {
            auto one =
                bundle::form_of(path) == Form::library ? judge_bare(path, trust.policy) : judge_bundle(path, trust);
            entries->add(one.json);
            text += one.text;
        }
    }
    if (options.as_json)
        std::cout << json::dump(json::object({{"trust", config->plugins.trust}, {"plugins", entries}})) << "\n";
    else
        std::cout << text;
    return is_whole ? kOk : kFailure;
}

int inspect_library(const Options& options) {
    auto facts = bundle::read_elf_file(options.path);
    if (!facts) return fail_with(facts.error());
    if (options.as_json)
        std::cout << json::dump(as_json(*facts)) << "\n";
    else
        std::cout << told(*facts);
    return kOk;
}

int inspect(const Options& options) {
    if (bundle::form_of(options.path) == Form::library) return inspect_library(options);
    const auto opened = bundle::verify_bundle(options.path, {});
    if (!opened.manifest) {
        std::cerr << "alphaswarm-cp: " << told(*opened.fault);
        return kFailure;
    }
    if (options.as_json) {
        auto out = as_json(*opened.manifest);
        out->set("manifest_sha256", opened.sha256);
        if (opened.fault) out->set("fault", as_json(*opened.fault));
        std::cout << json::dump(out) << "\n";
    } else {
        std::cout << told(*opened.manifest) << "manifest    sha256 " << opened.sha256 << "\n";
        if (opened.fault) std::cerr << "alphaswarm-cp: " << told(*opened.fault);
    }
    return opened.fault ? kFailure : kOk;
}

int verify(const Options& options) {
    // What is named is demanded: a lock pins signed bundles only.
    const Policy policy = !options.lock.empty()    ? Policy::is_locked
                          : !options.trust.empty() ? Policy::is_signed
                                                   : Policy::any;
    const auto trust =
        policy == Policy::any ? bundle::Trust{} : bundle::load_trust(policy, options.trust, options.lock);
    const auto opened = bundle::verify_bundle(options.path, trust);
    if (opened.fault) {
        std::cerr << "alphaswarm-cp: " << told(*opened.fault);
        return kFailure;
    }
    std::cout << options.path << ": ok, " << opened.manifest->id << " " << opened.manifest->version << ", "
              << (policy == Policy::any ? "signature not checked: give --trust" : vouched(opened))
              << (policy == Policy::is_locked ? ", pinned" : "") << "\n";
    return kOk;
}

/// The pins of every bundle that is there. Tells what is not good.
std::optional<std::vector<bundle::Pin>> pins_of(const config::Plugins& plugins, const bundle::Trust& trust) {
    std::vector<bundle::Pin> out;
    bool is_good = true;
    for (const auto& directory : plugins.directories) {
        auto paths = bundle::found_in(directory);
        if (!paths) {
            fail_with(paths.error());
            is_good = false;
            continue;
        }
        for (const auto& path : *paths) {
            if (bundle::form_of(path) == Form::library) {
                std::cerr << "alphaswarm-cp: " << path.string() << " is a bare shared object and cannot be pinned\n";
                continue;
            }
            const auto opened = bundle::verify_bundle(path, trust);
            if (opened.fault) {
                std::cerr << "alphaswarm-cp: " << told(*opened.fault);
                is_good = false;
            } else {
                out.push_back({opened.manifest->id, opened.manifest->version, opened.sha256, opened.keys.front()});
            }
        }
    }
    if (!is_good) return {};
    return out;
}

int lock(const Options& options) {
    auto config = load(options.common);
    if (!config) return fail_with(config.error());
    const fs::path file = options.output.empty() ? config->plugins.lock : fs::path(options.output);
    bundle::Lock old;
    if (auto present = bundle::load_lock(file))
        old = std::move(*present);
    else if (present.error().code != Code::not_found)
        return fail_with(present.error());
    auto pins = pins_of(config->plugins, trust_of(config->plugins, Policy::is_signed));
    if (!pins) {
        std::cerr << "alphaswarm-cp: " << file.string() << " is left as it is\n";
        return kFailure;
    }
    std::vector<std::string> changes;
    auto fresh = bundle::renewed(old, std::move(*pins), options.allow_downgrade, changes);
    if (!fresh) return fail_with(fresh.error());
    if (auto saved = bundle::save_lock(file, *fresh); !saved) return fail_with(saved.error());
    for (const auto& change : changes) std::cout << change << "\n";
    std::cout << file.string() << ": " << fresh->plugins.size() << (fresh->plugins.size() == 1 ? " plugin" : " plugins")
              << " pinned\n";
    return kOk;
}

}  // namespace

CommandGroup add_plugin_commands(CLI::App& app) {
    CommandGroup plugins;
    plugins.group = app.add_subcommand("plugin", "Plugins and bundles; no code of a plugin is run");
    plugins.group->require_subcommand(1);
    auto add = [&](const char* name, const char* about, int (*body)(const Options&)) {
        auto options = std::make_shared<Options>();
        auto* command = plugins.group->add_subcommand(name, about);
        plugins.add(command, [options, body] { return body(*options); });
        return std::pair(command, options);
    };

    auto [list_command, listing] =
        add("list", "What is in plugins.directories, with the verdict under plugins.trust", list);
    add_common(*list_command, listing->common);
    list_command->add_flag("--json", listing->as_json, "Print as JSON");

    auto [inspect_command, inspecting] =
        add("inspect", "The manifest and files of a bundle, or the tables of a shared object", inspect);
    inspect_command->add_option("path", inspecting->path, "Bundle folder, .acpb file or .so file")->required();
    inspect_command->add_flag("--json", inspecting->as_json, "Print as JSON");

    auto [verify_command, verifying] =
        add("verify", "Check a bundle; with --trust its signature too, with --lock also that it is pinned", verify);
    verify_command->add_option("path", verifying->path, "Bundle folder or .acpb file")->required();
    auto* trust = verify_command->add_option("--trust", verifying->trust, "Folder of trusted keys");
    verify_command->add_option("--lock", verifying->lock, "Lock file that must pin it")->needs(trust);

    auto [lock_command, locking] = add("lock", "Pin the signed bundles in plugins.directories", lock);
    add_common(*lock_command, locking->common);
    lock_command->add_option("--output", locking->output, "Lock file; plugins.lock of the configuration when missing");
    lock_command->add_flag("--allow-downgrade", locking->allow_downgrade,
                           "Let a lower version take the place of the pinned one");

    add_bundle_commands(plugins);
    return plugins;
}

}  // namespace acp::app
