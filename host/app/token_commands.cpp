#include "app/token_commands.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "app/control_plane.h"
#include "app/identity.h"
#include "app/presented_token.h"
#include "auth/bootstrap.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "identity/keyring.h"
#include "identity/token.h"
#include "jose/compact.h"

namespace acp::app {

namespace {

struct MintOptions {
    Common common;
    std::vector<std::string> scopes;
    std::string subject = "admin";
    std::string kind = "user";
    std::int64_t ttl_s = 0;
    std::string acr;
};

int mint(const MintOptions& options) {
    auto config = load(options.common);
    if (!config) return fail_with(config.error());
    auto keys = identity::Keyring::open(config->data_dir / "keys");
    if (!keys) return fail_with(keys.error());
    identity::Grant grant;
    grant.subject = options.subject;
    grant.actor_kind = options.kind;
    grant.scopes = options.scopes;
    grant.ttl_s = options.ttl_s > 0 ? options.ttl_s : config->identity.token_ttl_s;
    grant.acr = options.acr;
    auto token = identity::mint(**keys, token_policy(*config), grant, unix_ns() / 1'000'000'000);
    if (!token) return fail_with(token.error());
    std::cout << *token << "\n";
    return kOk;
}

int bootstrap(const Common& common) {
    auto config = load(common);
    if (!config) return fail_with(config.error());
    auto token = auth::offer_bootstrap(bootstrap_file(*config));
    if (!token) return fail_with(token.error());
    std::cout << *token << "\n";
    wipe(*token);
    return kOk;
}

int inspect(const std::string& argument) {
    auto token = presented_token(argument);
    if (!token) return fail_with(token.error());
    auto opened = jose::open(*token);
    if (!opened) {
        std::cerr << "alphaswarm-cp: this is no token: " << opened.error().internal << "\n";
        return kFailure;
    }
    auto out = json::object({{"verified", false}, {"header", opened->header}, {"claims", opened->claims}});
    if (auto parsed = jose::parse(*token); !parsed) out->set("refused_for", parsed.error().internal);
    std::cout << json::dump(out) << "\n";
    std::cerr << "alphaswarm-cp: nothing was verified: anybody can have written this\n";
    return kOk;
}

}  // namespace

CommandGroup add_token_commands(CLI::App& app) {
    CommandGroup tokens;
    tokens.group = app.add_subcommand("token", "Access tokens of this server");
    tokens.group->require_subcommand(1);

    auto minting = std::make_shared<MintOptions>();
    auto* mint_command = tokens.group->add_subcommand("mint", "Print a signed token on standard output");
    add_common(*mint_command, minting->common);
    mint_command->add_option("--scope", minting->scopes, "Scope to grant; may be given several times")->required();
    mint_command->add_option("--sub", minting->subject, "Subject")->capture_default_str();
    mint_command->add_option("--kind", minting->kind, "Kind of the subject")
        ->capture_default_str()
        ->check(CLI::IsMember({"user", "service", "agent"}));
    mint_command->add_option("--ttl", minting->ttl_s, "Lifetime in seconds; identity.token_ttl_s when missing")
        ->check(CLI::Range(1, 31'536'000));
    // Who can read the signing key may vouch for itself.
    mint_command->add_option("--acr", minting->acr, "Class of an authentication just now: high lets the token do for three minutes what needs a step-up")
        ->check(CLI::IsMember({"high"}));
    tokens.add(mint_command, [minting] { return mint(*minting); });

    auto common = std::make_shared<Common>();
    auto* bootstrap_command = tokens.group->add_subcommand(
        "bootstrap", "Print the one-time token that POST /auth/bootstrap takes for an administrator's; opens one when none is open");
    add_common(*bootstrap_command, *common);
    tokens.add(bootstrap_command, [common] { return bootstrap(*common); });

    auto token = std::make_shared<std::string>("-");
    auto* inspect_command =
        tokens.group->add_subcommand("inspect", "Print what a token says, without checking any of it");
    inspect_command->add_option("token", *token, "The token, or - for standard input")->capture_default_str();
    tokens.add(inspect_command, [token] { return inspect(*token); });
    return tokens;
}

}  // namespace acp::app
