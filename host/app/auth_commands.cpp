#include "app/auth_commands.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <thread>

#include "app/device_login.h"
#include "app/saved_tokens.h"
#include "base/bytes.h"
#include "json/json.h"

namespace acp::app {

namespace {

struct LoginOptions {
    DeviceLogin login{"http://127.0.0.1:9000", "cli", {}, {}};
    bool device = false;
    bool print = false;
    std::string output = "table";
};

void show(const DevicePrompt& prompt) {
    std::cerr << "Open " << prompt.verification_uri << "\nand enter the code " << prompt.user_code << " within " << prompt.expires_in_s / 60 << " min";
    if (!prompt.verification_uri_complete.empty()) std::cerr << ", or open\n" << prompt.verification_uri_complete;
    std::cerr << "\n" << std::flush;
}

/// What happened, without the token; every value is quoted for YAML as JSON is.
void report(const std::string& output, const json::Object::Ptr& facts) {
    if (output == "json") {
        std::cout << json::dump(facts) << "\n";
        return;
    }
    for (const auto& name : facts->getNames())
        std::cout << name << (output == "yaml" ? ": " : "\t") << (output == "yaml" ? json::dump(facts->get(name)) : facts->get(name).toString()) << "\n";
}

int exit_code_of(const Error& error) {
    switch (error.code) {
        case Code::unauthenticated: return kAuth;
        case Code::forbidden: return kDenied;
        case Code::deadline: return kTimeout;
        default: return kFailure;
    }
}

int log_in(LoginOptions& options) {
    if (!options.device) {
        std::cerr << "alphaswarm-cp: say how: auth login --device\n";
        return kUsage;
    }
    while (options.login.server.ends_with('/')) options.login.server.pop_back();
    auto file = options.print ? Result<std::filesystem::path>() : saved_tokens_file();
    if (!file) return fail_with(file.error());
    auto token = log_in_by_device(options.login, {show, [](std::chrono::seconds time) { std::this_thread::sleep_for(time); }});
    if (!token) {
        fail_with(token.error());
        return exit_code_of(token.error());
    }
    int code = kOk;
    if (options.print) {
        std::cout << token->access_token << "\n";
    } else if (auto saved = save_token(*file, options.login.server, *token); !saved) {
        code = fail_with(saved.error());
    } else {
        report(options.output, json::object({{"server", options.login.server}, {"scope", token->scope}, {"expires_at", token->expires_unix_s}, {"saved_in", file->string()}}));
    }
    wipe(token->access_token);
    return code;
}

}  // namespace

CommandGroup add_auth_commands(CLI::App& app) {
    CommandGroup auth;
    auth.group = app.add_subcommand("auth", "Log in to a server");
    auth.group->require_subcommand(1);
    auto options = std::make_shared<LoginOptions>();
    auto* command = auth.group->add_subcommand("login", "Get an access token of your own; exit codes 4 refused, 5 denied by the person, 7 nobody decided");
    command->add_flag("--device", options->device, "By a browser on any device (RFC 8628)");
    command->add_option("--server", options->login.server, "Address of the server")->capture_default_str();
    command->add_option("--client", options->login.client_id, "Public client of the server's identity.clients")->capture_default_str();
    command->add_option("--scope", options->login.scope, "Scopes, separated by spaces; all that the client may have when missing");
    command->add_option("--ca", options->login.ca_file, "PEM file of the authorities that the server's certificate is checked by")->check(CLI::ExistingFile);
    command->add_flag("--print", options->print, "Print the token on standard output and save nothing");
    command->add_option("-o,--output", options->output, "Form of the report")->capture_default_str()->check(CLI::IsMember({"table", "json", "yaml"}));
    auth.add(command, [options] { return log_in(*options); });
    return auth;
}

}  // namespace acp::app
