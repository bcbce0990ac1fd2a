#include "app/plugin_validate.h"

#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "app/checks_process.h"
#include "app/checks_wire.h"
#include "config/yaml.h"
#include "json/json.h"

namespace acp::app {

namespace {

namespace fs = std::filesystem;

/// The checks in all, as a multiple of one.
constexpr int kWholeFactor = 20;
constexpr int kWholeLeast_s = 300;

struct Arguments {
    std::string plugin, config = "{}", quirks, sample;
    std::vector<std::string> interfaces;
    int timeout_s = 30;
    bool as_json = false;
};

tl::unexpected<Error> wrong(const std::string& what) { return fail(Code::invalid, "validate", what); }

Result<std::string> read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return wrong("cannot read " + path);
    return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
}

/// The text itself, or the file behind an "@".
Result<std::string> text_or_file(const std::string& argument) {
    return argument.starts_with("@") ? read_file(argument.substr(1)) : Result<std::string>(argument);
}

/// A YAML map, check id -> reason.
Result<std::map<std::string, std::string>> read_quirks(const std::string& path) {
    std::map<std::string, std::string> quirks;
    if (path.empty()) return quirks;
    const auto text = read_file(path);
    if (!text) return fail(text.error());
    const auto tree = config::read_yaml(*text, path);
    if (!tree) return wrong(tree.error().detail);
    const auto& nodes = tree->nodes;
    if (nodes.empty() || nodes.front().kind != config::YamlNode::Kind::map)
        return wrong(path + ": expected a map of check ids to reasons");
    const auto& known = conformance::checks();
    const auto& children = nodes.front().children;
    for (std::size_t i = 0; i + 1 < children.size(); i += 2) {
        const auto& key = nodes[children[i]];
        const auto& value = nodes[children[i + 1]];
        if (std::none_of(known.begin(), known.end(), [&](const auto& check) { return check.id == key.text; }))
            return wrong(path + ":" + std::to_string(key.line) + ": there is no check " + key.text);
        if (value.kind != config::YamlNode::Kind::scalar || value.text.empty())
            return wrong(path + ":" + std::to_string(key.line) + ": quirk " + key.text + " needs a reason");
        quirks[key.text] = value.text;
    }
    return quirks;
}

Result<std::vector<std::string>> strings(const json::Object::Ptr& from, const std::string& name) {
    std::vector<std::string> all;
    if (!from->has(name)) return all;
    const auto list = from->getArray(name);
    if (!list) return wrong("--sample: " + name + " must be an array of strings");
    for (std::size_t i = 0; i < list->size(); ++i) all.push_back(list->get(static_cast<unsigned>(i)).convert<std::string>());
    return all;
}

/// What `start` runs: members image, command, args, env, metadata and
/// resources, each optional.
Result<sdk::DeploymentSpec> read_sample(const std::string& argument) {
    auto spec = conformance::sample_workload();
    if (argument.empty()) return spec;
    const auto text = text_or_file(argument);
    if (!text) return fail(text.error());
    const auto object = json::parse_object(*text);
    if (!object) return wrong("--sample: " + object.error().message);
    for (const auto& [name, value] : **object)
        if (name != "image" && name != "command" && name != "args" && name != "env" && name != "metadata" && name != "resources")
            return wrong("--sample: " + name + " is not known; known are image, command, args, env, metadata, resources");
    auto command = strings(*object, "command"), args = strings(*object, "args");
    if (!command) return fail(command.error());
    if (!args) return fail(args.error());
    spec.image = json::text_or(*object, "image", spec.image);
    if ((*object)->has("command")) spec.command = std::move(*command);
    spec.args = std::move(*args);
    if (const auto env = (*object)->getObject("env"))
        for (const auto& [name, value] : *env) spec.env.emplace_back(name, value.convert<std::string>());
    if (const auto metadata = (*object)->getObject("metadata")) spec.metadata_json = json::dump(metadata);
    if (const auto resources = (*object)->getObject("resources")) spec.resources_json = json::dump(resources);
    return spec;
}

/// A folder below the system's temporary one; gone with its owner.
class ScratchFolder {
public:
    ScratchFolder() {
        std::error_code ignored;
        path_ = fs::temp_directory_path(ignored) / "acp-validate-XXXXXX";
        if (::mkdtemp(path_.data()) == nullptr) path_.clear();
    }
    ~ScratchFolder() {
        std::error_code ignored;
        if (!path_.empty()) fs::remove_all(path_, ignored);
    }
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

Result<conformance::Options> options_of(const Arguments& arguments, const std::string& state_dir) {
    conformance::Options options;
    std::error_code ignored;
    if (!fs::is_regular_file(arguments.plugin, ignored)) return wrong(arguments.plugin + " is no file");
    options.plugin_path = fs::absolute(arguments.plugin);
    auto config = text_or_file(arguments.config);
    if (!config) return fail(config.error());
    if (const auto parsed = json::parse_object(*config); !parsed) return wrong("--config: " + parsed.error().message);
    options.config_json = std::move(*config);
    auto sample = read_sample(arguments.sample);
    if (!sample) return fail(sample.error());
    options.sample = std::move(*sample);
    auto quirks = read_quirks(arguments.quirks);
    if (!quirks) return fail(quirks.error());
    options.quirks = std::move(*quirks);
    options.interfaces.insert(arguments.interfaces.begin(), arguments.interfaces.end());
    options.state_dir = state_dir;
    // Within a check several calls may each use up their patience.
    options.patience = std::min<std::chrono::milliseconds>(options.patience, std::chrono::milliseconds(arguments.timeout_s * 1000 / 4));
    return options;
}

void print_json(const Arguments& arguments, const conformance::Report& report) {
    auto all = json::array();
    for (const auto& result : report.results) all->add(result_json(result));
    const auto count = [&](conformance::Outcome outcome) { return static_cast<std::int64_t>(report.count(outcome)); };
    std::cout << json::dump(json::object({{"plugin", arguments.plugin},
                                          {"conformant", report.conformant()},
                                          {"passed", count(conformance::Outcome::passed)},
                                          {"failed", count(conformance::Outcome::failed)},
                                          {"not_applicable", count(conformance::Outcome::not_applicable)},
                                          {"quirks", count(conformance::Outcome::quirk)},
                                          {"stale_quirks", static_cast<std::int64_t>(report.stale_quirks())},
                                          {"checks", all}}))
              << "\n";
}

int validate(const Arguments& arguments) {
    const auto complain = [](const Error& error) {
        std::cerr << "alphaswarm-cp: " << error.message << "\n";
        return 1;
    };
    const ScratchFolder scratch;
    if (scratch.path().empty()) return complain(wrong("cannot make a temporary folder").value());
    const auto options = options_of(arguments, scratch.path());
    if (!options) return complain(options.error());
    const Limits limits{std::chrono::seconds(arguments.timeout_s),
                        std::chrono::seconds(std::max(kWholeLeast_s, kWholeFactor * arguments.timeout_s))};
    const auto report = run_checks(*options, limits, [&](const conformance::Result& result) {
        if (!arguments.as_json) std::cout << conformance::line_of(result) << "\n" << std::flush;
    });
    if (!report) return complain(report.error());
    if (arguments.as_json)
        print_json(arguments, *report);
    else
        std::cout << report->summary();
    return report->conformant() ? 0 : 1;
}

}  // namespace

void add_validate(CLI::App& plugin_group, std::optional<int>& exit_code) {
    auto arguments = std::make_shared<Arguments>();
    auto* command = plugin_group.add_subcommand("validate", "Check that a plugin keeps what the plugin API promises");
    command->add_option("path", arguments->plugin, "The plugin's shared object")->required();
    command->add_option("--config", arguments->config, "Configuration of the instances, JSON or @FILE")->capture_default_str();
    command->add_option("--sample", arguments->sample, "Workload to run: {\"image\",\"command\",\"args\",\"env\",...}, JSON or @FILE");
    command->add_option("--quirks", arguments->quirks, "YAML map of check ids to reasons: failures that are known");
    command->add_option("--interface", arguments->interfaces, "Check only this interface; may be given several times");
    command->add_option("--timeout-s", arguments->timeout_s, "Longest that one check may last")->capture_default_str()->check(CLI::Range(1, 3600));
    command->add_flag("--json", arguments->as_json, "Print one JSON object");
    command->callback([arguments, &exit_code] { exit_code = validate(*arguments); });

    auto* child = plugin_group.add_subcommand("run-checks", "What `validate` runs")->group("");
    child->callback([&exit_code] { exit_code = checks_child(); });
}

}  // namespace acp::app
