// app: access tokens that a person got by logging in, for later commands of theirs.
#pragma once

#include <filesystem>
#include <string>

#include "app/device_login.h"
#include "base/result.h"

namespace acp::app {

/// $XDG_CONFIG_HOME/alphaswarm-cp/tokens.json, or below ~/.config. Code::invalid when neither
/// variable says where.
Result<std::filesystem::path> saved_tokens_file();

/// Puts the token in the file under the server's address, beside those of other servers. The
/// file is its owner's alone. Code::invalid when one is there that is no such file.
Result<void> save_token(const std::filesystem::path& file, const std::string& server, const LoginToken& token);

}  // namespace acp::app
