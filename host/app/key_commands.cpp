#include "app/key_commands.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>

#include "base/clock.h"
#include "identity/keyring.h"
#include "jose/algorithm.h"
#include "json/json.h"

namespace acp::app {

namespace fs = std::filesystem;

namespace {

// Sessions and tokens that somebody asked for by hand may live longer than
// what the configuration gives.
constexpr std::int64_t least_keep_s = 7 * 86400;

struct Options {
    Common common;
    std::string algorithm = "ES256";
    bool as_json = false;
};

const char* name_of(identity::KeyStage stage) {
    switch (stage) {
        case identity::KeyStage::waiting:
            return "waiting";
        case identity::KeyStage::signing:
            return "signing";
        case identity::KeyStage::retired:
            break;
    }
    return "retired";
}

int list(const Options& options) {
    auto config = load(options.common);
    if (!config) return fail_with(config.error());
    const fs::path folder = config->data_dir / "keys";
    // Looking makes no key.
    std::error_code ec;
    auto files = fs::exists(folder, ec) ? identity::read_key_files(folder) : Result<std::vector<identity::KeyFile>>();
    if (!files) return fail_with(files.error());
    auto entries = json::array();
    if (!files->empty()) {
        auto keys = identity::Keyring::open(folder);
        if (!keys) return fail_with(keys.error());
        for (const auto& key : (*keys)->keys()) {
            const std::string algorithm(jose::name_of(key.algorithm));
            const std::string made = rfc3339_ms(key.made_unix_s * 1000);
            entries->add(json::object({{"kid", key.kid},
                                       {"alg", algorithm},
                                       {"state", std::string(name_of(key.stage))},
                                       {"made", made},
                                       {"file", key.path.string()}}));
            if (!options.as_json)
                std::cout << key.kid << "  " << algorithm << "  " << name_of(key.stage) << "  " << made << "  "
                          << key.path.string() << "\n";
        }
    }
    if (options.as_json)
        std::cout << json::dump(json::object({{"keys", entries}})) << "\n";
    else if (files->empty())
        std::cout << "no key yet: the first start makes one\n";
    return kOk;
}

int rotate(const Options& options) {
    auto config = load(options.common);
    if (!config) return fail_with(config.error());
    auto keys = identity::Keyring::open(config->data_dir / "keys");
    if (!keys) return fail_with(keys.error());
    const std::int64_t keep_s = std::max(config->identity.token_ttl_s, least_keep_s);
    auto kid = (*keys)->rotate(*jose::algorithm_of(options.algorithm), keep_s);
    if (!kid) return fail_with(kid.error());
    std::cout << *kid << "\n";
    std::cerr << "alphaswarm-cp: running servers take the key over on SIGHUP; it signs in ten minutes, when others "
                 "have had the time to fetch it\n";
    return kOk;
}

}  // namespace

CommandGroup add_key_commands(CLI::App& app) {
    CommandGroup keys;
    keys.group = app.add_subcommand("keys", "Keys that this server signs tokens with");
    keys.group->require_subcommand(1);

    auto listing = std::make_shared<Options>();
    auto* list_command = keys.group->add_subcommand("list", "Every key, the newest first: waiting, signing or retired");
    add_common(*list_command, listing->common);
    list_command->add_flag("--json", listing->as_json, "Print as JSON");
    keys.add(list_command, [listing] { return list(*listing); });

    auto rotating = std::make_shared<Options>();
    auto* rotate_command = keys.group->add_subcommand(
        "rotate",
        "Make a key to sign with from now on, and print its kid; removes those that nothing valid is signed by");
    add_common(*rotate_command, rotating->common);
    std::vector<std::string> names;
    for (const auto algorithm : jose::all_algorithms) names.emplace_back(jose::name_of(algorithm));
    rotate_command->add_option("--alg", rotating->algorithm, "Its algorithm")
        ->capture_default_str()
        ->check(CLI::IsMember(names));
    keys.add(rotate_command, [rotating] { return rotate(*rotating); });
    return keys;
}

}  // namespace acp::app
