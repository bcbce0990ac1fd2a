#include "app/jwt_commands.h"

#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>

#include "app/presented_token.h"
#include "base/clock.h"
#include "identity/claims.h"
#include "jose/compact.h"
#include "jose/key_set.h"

namespace acp::app {

namespace {

struct Options {
    std::string token = "-";
    std::string jwks;
    std::string algorithm;
    std::string issuer;
    std::string audience;
    std::string typ;
    std::int64_t leeway_s = 30;
};

Result<jose::KeySet> read_keys(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    if (!file) return fail(Code::invalid, "jwks", path + " cannot be read");
    auto keys = jose::KeySet::parse(text);
    if (!keys) return fail(Code::invalid, "jwks", path + ": " + keys.error().message);
    return keys;
}

/// What was not asked for is not checked, but for the times.
Result<void> judge_claims(const jose::Compact& token, const Options& options) {
    if (!options.typ.empty()) {
        const std::string typ = jose::short_type(options.typ);
        const std::string_view wanted = typ;
        if (auto good = identity::check_type(token, {&wanted, 1}); !good) return good;
    }
    if (!options.issuer.empty())
        if (auto good = identity::check_issuer(token.claims, options.issuer); !good) return good;
    if (!options.audience.empty()) {
        const std::string_view wanted = options.audience;
        if (auto good = identity::check_audience(token.claims, {&wanted, 1}); !good) return good;
    }
    auto times = identity::check_times(token.claims, options.leeway_s, false, unix_ns() / 1'000'000'000);
    if (!times) return fail(times.error());
    return {};
}

Result<json::Object::Ptr> verified(const std::string& text, const jose::KeySet& keys, const Options& options) {
    auto token = jose::parse(text);
    if (!token) return fail(token.error());
    if (!options.algorithm.empty() && token->algorithm != jose::algorithm_of(options.algorithm))
        return identity::invalid_token("alg");
    const auto* key = keys.find(token->kid, token->algorithm);
    if (key == nullptr) return identity::invalid_token("kid: no key of the set has it for this algorithm");
    if (!token->signed_by(*key)) return identity::invalid_token("signature");
    if (auto good = judge_claims(*token, options); !good) return fail(good.error());
    return json::object(
        {{"verified", true}, {"thumbprint", key->thumbprint()}, {"header", token->header}, {"claims", token->claims}});
}

int verify(const Options& options) {
    auto keys = read_keys(options.jwks);
    if (!keys) return fail_with(keys.error());
    auto text = presented_token(options.token);
    if (!text) return fail_with(text.error());
    auto out = verified(*text, *keys, options);
    if (!out) {
        std::cerr << "alphaswarm-cp: the token is refused: " << out.error().internal << "\n";
        return kAuth;
    }
    std::cout << json::dump(*out) << "\n";
    return kOk;
}

}  // namespace

CommandGroup add_jwt_commands(CLI::App& app) {
    CommandGroup jwt;
    jwt.group = app.add_subcommand("jwt", "Tokens of any issuer");
    jwt.group->require_subcommand(1);
    auto options = std::make_shared<Options>();
    auto* command =
        jwt.group->add_subcommand("verify", "Check a token as the server does; exit code 4 when it is refused");
    command->add_option("token", options->token, "The token, or - for standard input")->capture_default_str();
    command->add_option("--jwks", options->jwks, "File with the issuer's JSON Web Key Set")->required();
    std::vector<std::string> names;
    for (const auto algorithm : jose::all_algorithms) names.emplace_back(jose::name_of(algorithm));
    command->add_option("--alg", options->algorithm, "The only algorithm that is taken")->check(CLI::IsMember(names));
    command->add_option("--iss", options->issuer, "Issuer that it must be from");
    command->add_option("--aud", options->audience, "Audience that it must be for");
    command->add_option("--typ", options->typ, "Type that its header must name, such as at+jwt");
    command->add_option("--leeway", options->leeway_s, "Seconds that clocks may differ by")
        ->capture_default_str()
        ->check(CLI::Range(0, 60));
    jwt.add(command, [options] { return verify(*options); });
    return jwt;
}

}  // namespace acp::app
