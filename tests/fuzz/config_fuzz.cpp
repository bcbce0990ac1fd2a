// Fuzz target of config: any bytes as the file. A first line "#!" hands the
// rest of that line to an override, so that both ways in are reached.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "config/load.h"

using namespace acp::config;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    Environment environment{{"NAME", "value"}, {"NUMBER", "5"}};
    if (text.starts_with("#!")) {
        auto end = std::min(text.find('\n'), text.size());
        environment["ALPHASWARM_CP_PROVIDERS"] = std::string(text.substr(2, end - 2));
    }
    auto config = load_text(text, "f.yaml", environment, {});
    if (config) {
        require(config->data_dir.is_absolute());
        require(!config->identity.insecure_dev || config->server.listen.is_loopback());
        require(config->server.limits.target_bytes <= config->server.limits.header_bytes);
        require(!limits_json(*config).empty());
    } else {
        require(!config.error().message.empty());
        require(config.error().violations.empty() == (config.error().slug != "config_invalid"));
        require(acp::is_utf8(describe(config.error())));
    }
    return 0;
}
