#include "app/cli.h"

#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "app/auth_commands.h"
#include "app/command.h"
#include "app/identity.h"
#include "app/jwt_commands.h"
#include "app/key_commands.h"
#include "app/plugin_commands.h"
#include "app/plugin_validate.h"
#include "app/serve.h"
#include "app/state.h"
#include "app/tls.h"
#include "app/token_commands.h"
#include "app/trusted_proxies.h"
#include "config/load.h"
#include "ledger/verify.h"
#include "manage/openapi.h"

namespace acp::app {

namespace {

int serve(const Common& common, const std::string& listen, bool print_limits, char** argv) {
    auto config = load(common, listen);
    if (!config) return fail_with(config.error());
    if (print_limits) {
        std::cout << config::limits_json(*config) << "\n";
        return kOk;
    }
    block_signals();
    ServeApplication application(std::move(*config), [&] { return load(common, listen); });
    // Poco's own options are not offered: only the program's name is passed on.
    char* name_only[] = {argv[0], nullptr};
    return application.run(1, name_only) == Poco::Util::Application::EXIT_OK ? kOk : kFailure;
}

int check_config(const std::string& file) {
    auto config = config::load(file, {});
    if (!config) return fail_with(config.error());
    ListenerTls tls;
    if (auto loaded = tls.load(*config); !loaded) return fail_with(loaded.error());
    if (auto proxies = trusted_proxies(*config); !proxies) return fail_with(proxies.error());
    if (auto clients = clients_of(*config); !clients) return fail_with(clients.error());
    if (auto state = check_state(*config); !state) return fail_with(state.error());
    std::cout << file << ": ok\n";
    return kOk;
}

int audit_verify(const Common& common, bool as_json) {
    auto config = load(common);
    if (!config) return fail_with(config.error());
    auto report = ledger::verify(config->store.path.string());
    if (!report) return fail_with(report.error());
    auto problems = json::array();
    for (const auto& p : report->problems)
        problems->add(json::object({{"seq", p.seq}, {"run_uid", p.run_uid}, {"kind", p.kind}, {"detail", p.detail}}));
    if (as_json) {
        std::cout << json::dump(json::object({{"intact", report->intact()}, {"ledger_id", report->ledger_id}, {"runs", report->runs}, {"events", report->events},
                                              {"links", report->links}, {"open_runs", report->open_runs}, {"problem_count", report->problem_count}, {"problems", problems}}))
                  << "\n";
    } else {
        std::cout << (report->intact() ? "intact" : "NOT INTACT") << ": " << report->runs << " runs, " << report->events << " events, " << report->links
                  << " links, " << report->open_runs << " open runs, " << report->problem_count << " problems\n";
        for (const auto& p : report->problems) std::cout << "  link " << p.seq << " " << p.run_uid << " " << p.kind << ": " << p.detail << "\n";
    }
    return report->intact() ? kOk : kFailure;
}

int print_openapi() {
    auto api = manage::OpenApi::load();
    if (!api) return fail_with(api.error());
    std::cout << api->text() << "\n";
    return kOk;
}

}  // namespace

int run_command_line(int argc, char** argv) {
    CLI::App app("Control plane of a fleet of services", "alphaswarm-cp");
    app.set_version_flag("--version", ACP_VERSION);
    app.require_subcommand(1);

    Common common;
    std::string listen;
    bool print_limits = false;
    auto* serve_command = app.add_subcommand("serve", "Run the server");
    add_common(*serve_command, common);
    serve_command->add_option("--listen", listen, "HOST:PORT; port 0 lets the system choose and prints the choice");
    serve_command->add_flag("--print-limits", print_limits, "Print all limits and timeouts as JSON and end");

    std::string file;
    auto* check_command = app.add_subcommand("check-config", "Check a configuration file");
    check_command->add_option("file", file, "Configuration file")->required();

    auto* config_command = app.add_subcommand("config", "About the configuration");
    config_command->require_subcommand(1);
    auto* schema_command = config_command->add_subcommand("schema", "Print the JSON Schema of the configuration file");

    bool as_json = false;
    auto* audit_command = app.add_subcommand("audit", "The ledger");
    audit_command->require_subcommand(1);
    auto* verify_command = audit_command->add_subcommand("verify", "Check the ledger against its hash chain; a running server is not disturbed");
    add_common(*verify_command, common);
    verify_command->add_flag("--json", as_json, "Print the report as JSON");

    auto* openapi_command = app.add_subcommand("openapi", "Print the OpenAPI document");

    CommandGroup auth_commands = add_auth_commands(app);
    CommandGroup token_commands = add_token_commands(app);
    CommandGroup jwt_commands = add_jwt_commands(app);
    CommandGroup key_commands = add_key_commands(app);
    CommandGroup plugin_commands = add_plugin_commands(app);
    std::optional<int> validate_result;
    add_validate(*plugin_commands.group, validate_result);

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        return app.exit(e) == 0 ? kOk : kUsage;
    }
    if (validate_result) return *validate_result;
    if (serve_command->parsed()) return serve(common, listen, print_limits, argv);
    if (check_command->parsed()) return check_config(file);
    if (schema_command->parsed()) {
        std::cout << config::schema_text() << "\n";
        return kOk;
    }
    if (verify_command->parsed()) return audit_verify(common, as_json);
    if (openapi_command->parsed()) return print_openapi();
    for (const CommandGroup* group : {&auth_commands, &token_commands, &jwt_commands, &key_commands, &plugin_commands})
        if (auto code = group->run()) return *code;
    return kUsage;
}

}  // namespace acp::app
