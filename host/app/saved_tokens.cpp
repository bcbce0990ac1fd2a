#include "app/saved_tokens.h"

#include <cstdlib>

#include "base/bytes.h"
#include "base/secret_file.h"
#include "json/json.h"

namespace acp::app {

namespace fs = std::filesystem;

Result<fs::path> saved_tokens_file() {
    const auto folder = [](const char* variable) -> fs::path {
        const char* value = std::getenv(variable);
        return value && *value == '/' ? fs::path(value) : fs::path();
    };
    fs::path base = folder("XDG_CONFIG_HOME");
    if (base.empty() && !folder("HOME").empty()) base = folder("HOME") / ".config";
    if (base.empty()) return fail(Code::invalid, "no_home", "there is no place for the token: set HOME, or take it by --print");
    return base / "alphaswarm-cp" / "tokens.json";
}

Result<void> save_token(const fs::path& file, const std::string& server, const LoginToken& token) {
    json::Object::Ptr all = json::object();
    auto text = read_secret_file(file);
    if (!text && text.error().code != Code::not_found) return fail(text.error());
    if (text) {
        auto known = json::parse_object(*text);
        wipe(*text);
        if (!known) return fail(Code::invalid, "saved_tokens", file.string() + " is no file of saved tokens; move it away: " + known.error().message);
        all = *known;
    }
    all->set(server, json::object({{"access_token", token.access_token}, {"scope", token.scope}, {"expires_at", token.expires_unix_s}}));
    std::string fresh = json::dump(all);
    auto done = replace_secret_file(file, fresh);
    wipe(fresh);
    return done;
}

}  // namespace acp::app
