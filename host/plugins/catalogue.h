// plugins: all plugins and instances of the process, working or not.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "plugins/auth_flow.h"
#include "plugins/candidate.h"
#include "plugins/library.h"
#include "plugins/provider.h"
#include "plugins/record.h"
#include "plugins/retirer.h"
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
    std::string kind;         ///< provider, http_routes or auth_flow
    std::string mount;
    bool ready = false;
    Fault fault;              ///< meaningful when not ready
};

/// What there is at one moment; never changed once it can be seen.
struct View {
    std::vector<Record> records;
    std::vector<Instance> instances;
    std::vector<ProviderPtr> providers;
    std::vector<RouteInstancePtr> routes;
    std::vector<AuthFlowPtr> flows;  ///< in the order of the configuration

    /// not_found for an alias nobody configured, unavailable with the fault for one that failed.
    Result<ProviderPtr> provider(const std::string& alias) const;
    /// Null when there is none.
    RouteInstancePtr route_instance(const std::string& alias) const;
    /// Null when there is none.
    AuthFlowPtr flow(const std::string& alias) const;
};
using ViewPtr = std::shared_ptr<const View>;

struct CatalogueOptions {
    /// Each instance gets `<state_root>/<alias>`, mode 0700; copies of bare shared
    /// objects and notes of crashes lie beside them, in `.copies` and `.quarantine`.
    std::filesystem::path state_root;
    /// How bundles and bare files are judged. `copies` is set by the catalogue.
    Intake intake;
    /// A function of a plugin that takes longer while it is loaded is given up.
    std::chrono::milliseconds patience{30'000};
    /// Plugins of one id whose code is in memory at the same time: code is never unmapped.
    std::size_t generations = 8;
    /// What auth flows reach of the house; outlives the catalogue. Null: nothing.
    HostIdentity* identity = nullptr;
};

/// What a reload did.
struct Reloaded {
    std::string id, version, sha256;
    std::uint32_t generation = 0;
    bool changed = false;                ///< false: the file is the one that is loaded
    std::vector<std::string> instances;  ///< aliases that were made anew
};

/// Filled at start, read by every thread. Destroyed before the event loops are,
/// because plugin threads may still wake them.
class Catalogue {
public:
    Catalogue(const acp_host& host, CatalogueOptions options);
    ~Catalogue();

    /// Loads every plugin of the folders (bundle/found.h), in order of name. A folder
    /// that is missing is recorded like a plugin that failed.
    void load(const std::vector<std::filesystem::path>& directories);
    void make_provider(const Wanted& wanted);
    void make_routes(const Wanted& wanted);
    void make_flow(const Wanted& wanted);

    /// [any-thread]
    ViewPtr view() const;
    Result<ProviderPtr> provider(const std::string& alias) const { return view()->provider(alias); }

    /// Loads the plugin's file anew, makes its instances of it, and puts them in
    /// the place of the present ones at once. Those go when the last call and
    /// stream has left them. When anything of it fails, all stays as it was and the
    /// error tells why: not_found, conflict (`generation_limit`, `routes_changed`),
    /// unprocessable (`plugin_refused`). One at a time. [any-thread] [may-block]
    Result<Reloaded> reload(const std::string& id);
    /// How many instances and plugins that have been replaced are not gone yet.
    std::size_t retiring() const;

private:
    /// The parts of a generation, made or not.
    struct Made {
        std::vector<Instance> instances;
        std::vector<ProviderPtr> providers;
        std::vector<RouteInstancePtr> routes;
        std::vector<AuthFlowPtr> flows;
    };
    struct Request {
        Wanted wanted;
        std::string kind;
    };

    void load_one(View& view, const Candidate& candidate);
    LibraryPtr load_library(const Candidate& candidate, std::uint32_t copy, Record& record);
    void prune_store(const View& view) const;
    LibraryPtr find(const View& view, const std::string& id, Fault& fault) const;
    bool make_state_dir(const std::string& alias, std::string& path, Fault& fault) const;
    Instance make(const Request& request, const LibraryPtr& library, Fault fault, Made& made) const;
    void add(const Wanted& wanted, const std::string& kind);
    template <typename Kind>
    std::shared_ptr<const Kind> shared(std::unique_ptr<Kind> instance) const;
    void publish(View view);
    Result<Reloaded> refuse_reload(const View& view, Record& record, const Fault& fault);

    const acp_host& host_;
    const CatalogueOptions options_;
    const std::shared_ptr<Retirer> retirer_ = std::make_shared<Retirer>();

    mutable std::mutex view_mutex_;
    ViewPtr view_ = std::make_shared<const View>();

    std::mutex change_mutex_;  ///< held by what changes the rest
    std::map<std::string, LibraryPtr> libraries_;                ///< the present ones, by id
    std::map<std::string, std::uint32_t> generations_;           ///< how many were loaded, by id
    std::vector<Request> requests_;
    std::vector<std::weak_ptr<const Library>> all_libraries_;    ///< for the end of the process
    mutable std::vector<std::weak_ptr<const Provider>> all_providers_;
    mutable std::vector<std::weak_ptr<const RouteInstance>> all_routes_;
    mutable std::vector<std::weak_ptr<const AuthFlow>> all_flows_;
};

}  // namespace acp::plugins
