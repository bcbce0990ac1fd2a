// plugins: how an instance of any interface is made and unmade.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "abi/error.h"
#include "alphaswarm-cp/plugin.h"
#include "base/fault.h"
#include "log/log.h"
#include "plugins/guarded.h"
#include "plugins/instance_config.h"

namespace acp::plugins {

/// A plugin that takes longer to make or destroy an instance is given up.
inline constexpr std::chrono::seconds kInstancePatience{30};

/// Calls the table's `create`, then `after`, which reads what the instance says
/// about itself. Null and `fault` when one of them fails, throws, or does not come back.
template <typename Kind, typename After>
std::unique_ptr<Kind> make_instance(std::unique_ptr<Kind> made, const acp_host& host, const std::string& config_json,
                                    const std::string& state_dir, Fault& fault, After after) {
    // Shared with a thread that may be left behind.
    struct Making {
        std::unique_ptr<Kind> instance;
        std::string config_json, state_dir, directory;
        Fault fault;
        bool good = false;
    };
    auto making = std::make_shared<Making>();
    making->instance = std::move(made);
    making->config_json = config_json;
    making->state_dir = state_dir;
    const bool back = comes_back(kInstancePatience, [making, &host, after] {
        Kind& instance = *making->instance;
        acp_instance_config config{sizeof(acp_instance_config), 0, abi::str(instance.alias_),
                                   abi::str(making->config_json), abi::str(instance.library_->directory()),
                                   abi::str(making->state_dir)};
        acp_error error{};
        error.struct_size = sizeof error;
        try {
            const acp_status status = instance.table_.create(&host, &config, &instance.self_, &error);
            if (status != ACP_OK) {
                instance.self_ = nullptr;
                refuse(making->fault, "create",
                       abi::take_error(status, error, instance.plugin_id_ + " create").message,
                       "the instance to be made", "status " + std::to_string(status), "see the message");
                return;
            }
            making->good = after(instance, making->fault);
        } catch (...) {
            refuse(making->fault, "create", "the plugin threw while it made the instance",
                   "no exception across the boundary", "an exception", "report it to the plugin's vendor");
        }
    });
    if (!back) {
        refuse(fault, "create", "the plugin does not come back from making the instance", "an instance or an error",
               "nothing in " + std::to_string(kInstancePatience.count()) + " s",
               "mend the plugin or what it waits for; its thread is left behind");
        return nullptr;
    }
    if (making->good) return std::move(making->instance);
    fault = std::move(making->fault);
    return nullptr;
}

/// Calls `destroy`, which must not throw, and gives up on one that hangs.
inline void destroy_instance(std::function<void()> destroy, const std::string& alias) {
    const bool back = comes_back(kInstancePatience, [destroy = std::move(destroy), alias] {
        try {
            destroy();
        } catch (...) {
            log::error("plugins", "an instance threw in destroy", {{"instance", alias}});
        }
    });
    if (!back) log::error("plugins", "an instance does not come back from destroy; it is left behind", {{"instance", alias}});
}

}  // namespace acp::plugins
