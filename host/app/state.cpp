#include "app/state.h"

#include "state/open.h"

namespace acp::app {

namespace {

state::Options options_of(const config::State& settings) {
    return {settings.kind, settings.path, settings.url, settings.key_file};
}

/// The error with its place in the configuration.
Error placed(Error error, const config::Config& config) {
    for (Violation& violation : error.violations) {
        const std::string pointer = "/state" + violation.pointer;
        violation = config::locate(config.origins.at(pointer), pointer, violation.detail);
    }
    return error;
}

/// Both would be SQLite, and each would take the file for its own.
Result<void> check_paths(const config::Config& config) {
    if (config.state.kind != "sqlite" || config.state.path != config.store.path) return {};
    Error error;
    error.code = Code::invalid;
    error.message = "state.path is the file of the ledger";
    error.violations.push_back({"/path", "is the file of the ledger, store.path; give each a file of its own"});
    return fail(placed(std::move(error), config));
}

}  // namespace

Result<std::unique_ptr<state::Store>> open_state(const config::Config& config) {
    if (auto good = check_paths(config); !good) return fail(good.error());
    auto store = state::open(options_of(config.state));
    if (!store) return fail(placed(store.error(), config));
    return store;
}

Result<void> check_state(const config::Config& config) {
    if (auto good = check_paths(config); !good) return good;
    if (auto good = state::check(options_of(config.state)); !good) return fail(placed(good.error(), config));
    return {};
}

}  // namespace acp::app
