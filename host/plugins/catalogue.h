// plugins: all plugins and instances of the process, working or not.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "plugins/library.h"
#include "plugins/provider.h"
#include "plugins/record.h"
#include "plugins/routes.h"

namespace acp::plugins {

/// An instance as the configuration asks for it.
struct Wanted {
    std::string alias;
    std::string plugin;       ///< plugin id
    std::string config_json;  ///< object
    std::string mount;        ///< HTTP routes only
};

struct Instance {
    std::string alias;
    std::string plugin;
    std::string kind;         ///< provider or http_routes
    std::string mount;
    bool ready = false;
    Fault fault;              ///< meaningful when not ready
};

/// Filled once at start, then read by every thread. Destroyed before the event
/// loops are, because plugin threads may still wake them.
class Catalogue {
public:
    /// `state_root`: each instance gets `<state_root>/<alias>`, mode 0700.
    Catalogue(const acp_host& host, std::filesystem::path state_root) : host_(host), state_root_(std::move(state_root)) {}

    /// Loads every `*.so` of the folders, in order of name. A folder that is
    /// missing is recorded like a plugin that failed.
    void load(const std::vector<std::filesystem::path>& directories);
    void make_provider(const Wanted& wanted);
    void make_routes(const Wanted& wanted);

    const std::vector<Record>& records() const noexcept { return records_; }
    const std::vector<Instance>& instances() const noexcept { return instances_; }
    /// not_found for an alias nobody configured, unavailable with the fault for one that failed.
    Result<const Provider*> provider(const std::string& alias) const;
    const std::vector<std::unique_ptr<Provider>>& providers() const noexcept { return providers_; }
    const std::vector<std::unique_ptr<RouteInstance>>& routes() const noexcept { return routes_; }

private:
    struct Loaded {
        std::string id;
        std::unique_ptr<Library> library;
    };
    void load_one(const std::filesystem::path& path);
    const Library* find(const std::string& id, Fault& fault) const;
    bool make_state_dir(const std::string& alias, std::string& path, Fault& fault) const;
    template <typename Kind>
    void make(const Wanted& wanted, std::string kind, std::vector<std::unique_ptr<Kind>>& into);

    const acp_host& host_;
    const std::filesystem::path state_root_;
    std::vector<Record> records_;
    std::vector<Loaded> libraries_;
    std::vector<Instance> instances_;
    std::vector<std::unique_ptr<Provider>> providers_;
    std::vector<std::unique_ptr<RouteInstance>> routes_;
};

}  // namespace acp::plugins
