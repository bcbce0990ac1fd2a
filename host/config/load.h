// config: from a file, the environment and the command line to a Config.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "config/config.h"
#include "config/substitute.h"

namespace acp::config {

/// What the command line sets; stronger than the environment, which is
/// stronger than the file.
struct Overrides {
    std::optional<std::string> listen;    ///< --listen HOST:PORT
    std::optional<std::string> data_dir;  ///< --data-dir, relative to the working directory
};

/// Reads and checks the file. The error lists every mistake that was found,
/// each as one Violation whose detail is a whole line:
/// "file:line:column: key a.b: what is wrong; how to mend it".
/// Details name variables, keys and aliases and show no other value, which may
/// be a secret. [any-thread]
Result<Config> load(const std::filesystem::path& file, const Overrides& overrides);

/// The same on text. `file` is the name in messages and the place that
/// relative paths start from; it is not read. `environment` serves ${NAME} and
/// the ALPHASWARM_CP_ overrides.
Result<Config> load_text(std::string_view text, const std::filesystem::path& file, const Environment& environment,
                         const Overrides& overrides);

/// The error for the terminal: one line for each violation.
std::string describe(const Error& error);

}  // namespace acp::config
