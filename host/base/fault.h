// base: why a part of the product does not work while the rest does.
#pragma once

#include <string>

namespace acp {

/// Told so that it can be mended: shown in /manage/plugins, logs and commands.
struct Fault {
    std::string stage;     ///< a plugin's: file, manifest, trust, lock, symbol, abi, load, entry, init, config, create
    std::string message;   ///< one sentence
    std::string expected;
    std::string found;
    std::string remedy;    ///< what to do
};

}  // namespace acp
