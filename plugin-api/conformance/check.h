// conformance: what a check is made of. Inside the library only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace acp::conformance {

class Bench;

/// One check. `run` returns when the promise is kept and throws otherwise.
struct Check {
    const char* id;
    const char* interface;
    const char* needs;
    const char* title;
    void (*run)(Bench&);
};

/// Thrown by a check.
struct Failed {
    std::string message, expected, found;
};
struct NotApplicable {
    std::string why;
};

[[noreturn]] inline void fail(std::string message, std::string expected, std::string found) {
    throw Failed{std::move(message), std::move(expected), std::move(found)};
}
[[noreturn]] inline void not_applicable(std::string why) {
    throw NotApplicable{std::move(why)};
}
inline void require(bool kept, std::string message, std::string expected, std::string found) {
    if (!kept) fail(std::move(message), std::move(expected), std::move(found));
}

const std::vector<Check>& entry_checks();
const std::vector<Check>& provider_config_checks();
const std::vector<Check>& provider_answer_checks();
const std::vector<Check>& provider_lifecycle_checks();
const std::vector<Check>& provider_call_checks();
const std::vector<Check>& provider_load_checks();
const std::vector<Check>& health_checks();
const std::vector<Check>& logs_checks();
const std::vector<Check>& exec_checks();
const std::vector<Check>& routes_checks();
const std::vector<Check>& routes_load_checks();
const std::vector<Check>& flow_checks();
const std::vector<Check>& flow_load_checks();
const std::vector<Check>& deinit_checks();

}  // namespace acp::conformance
