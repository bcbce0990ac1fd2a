#include "plugins/catalogue.h"

#include <algorithm>
#include <utility>

#include "bundle/found.h"
#include "bundle/store.h"
#include "log/log.h"
#include "plugins/instance_config.h"

namespace acp::plugins {

namespace fs = std::filesystem;

namespace {

void log_failure(const Record& record) {
    log::error("plugins", "plugin not loaded",
               {{"path", record.path},
                {"id", record.id},
                {"stage", record.fault.stage},
                {"message", record.fault.message},
                {"expected", record.fault.expected},
                {"found", record.fault.found},
                {"remedy", record.fault.remedy}});
}

void log_instance(const Instance& instance) {
    if (instance.ready)
        log::info("plugins", "instance ready",
                  {{"alias", instance.alias}, {"kind", instance.kind}, {"plugin", instance.plugin}});
    else
        log::error("plugins", "instance failed",
                   {{"alias", instance.alias},
                    {"kind", instance.kind},
                    {"plugin", instance.plugin},
                    {"message", instance.fault.message},
                    {"expected", instance.fault.expected},
                    {"found", instance.fault.found},
                    {"remedy", instance.fault.remedy}});
}

CatalogueOptions with_copies(CatalogueOptions options) {
    options.intake.copies = options.state_root / ".copies";
    return options;
}

std::string sentence(const Fault& fault) {
    return fault.message + " (expected " + fault.expected + ", found " + fault.found + "); " + fault.remedy;
}

}  // namespace

Result<ProviderPtr> View::provider(const std::string& alias) const {
    for (const auto& p : providers)
        if (p->alias() == alias) return p;
    for (const auto& i : instances)
        if (i.kind == "provider" && i.alias == alias)
            return fail(Code::unavailable, "provider_unavailable",
                        "provider '" + alias + "' did not start: " + i.fault.message + " (expected " +
                            i.fault.expected + ", found " + i.fault.found + ")");
    std::string known;
    for (const auto& i : instances)
        if (i.kind == "provider") known += (known.empty() ? "" : ", ") + i.alias;
    return fail(Code::not_found, "provider_not_found",
                "there is no provider '" + alias + "'; configured: " + (known.empty() ? "none" : known));
}

RouteInstancePtr View::route_instance(const std::string& alias) const {
    for (const auto& r : routes)
        if (r->alias() == alias) return r;
    return nullptr;
}

AuthFlowPtr View::flow(const std::string& alias) const {
    for (const auto& f : flows)
        if (f->alias() == alias) return f;
    return nullptr;
}

Catalogue::Catalogue(const acp_host& host, CatalogueOptions options)
    : host_(host), options_(with_copies(std::move(options))) {}

/// Also what a stream still holds ends here: its plugin's threads must not outlive
/// what they use.
Catalogue::~Catalogue() {
    {
        std::lock_guard lock(view_mutex_);
        view_.reset();
    }
    for (const auto& weak : all_providers_)
        if (const auto provider = weak.lock()) provider->end();
    for (const auto& weak : all_routes_)
        if (const auto routes = weak.lock()) routes->end();
    for (const auto& weak : all_flows_)
        if (const auto flow = weak.lock()) flow->end();
    libraries_.clear();
    retirer_->stop();
    for (const auto& weak : all_libraries_)
        if (const auto library = weak.lock()) library->end();
}

ViewPtr Catalogue::view() const {
    std::lock_guard lock(view_mutex_);
    return view_;
}

void Catalogue::publish(View view) {
    auto fresh = std::make_shared<const View>(std::move(view));
    ViewPtr old;  // let go outside of the lock
    std::lock_guard lock(view_mutex_);
    old = std::exchange(view_, std::move(fresh));
}

std::size_t Catalogue::retiring() const {
    return retirer_->pending();
}

void Catalogue::load(const std::vector<fs::path>& directories) {
    std::lock_guard change(change_mutex_);
    View next = *view();
    const bundle::Trust trust = trust_of(options_.intake);
    for (const auto& directory : directories) {
        const auto found = bundle::found_in(directory);
        if (!found) {
            Record record;
            record.path = directory.string();
            refuse(record.fault, "file", "the plugin folder cannot be read", "a readable folder",
                   found.error().message, "correct plugins.directories");
            log::error("plugins", "a plugin folder cannot be read",
                       {{"path", record.path}, {"cause", found.error().message}});
            next.records.push_back(std::move(record));
            continue;
        }
        for (const auto& path : *found) load_one(next, judge(path, options_.intake, trust));
    }
    prune_store(next);
    publish(std::move(next));
}

/// Copies that an earlier process made of what is not there any more.
void Catalogue::prune_store(const View& view) const {
    for (const auto& folder : {options_.intake.copies, options_.intake.store}) {
        std::error_code ec;
        for (const auto& entry : fs::directory_iterator(folder, ec)) {
            const std::string name = entry.path().filename().string();
            if (name.find_first_not_of("0123456789abcdef.") != std::string::npos || name.size() < 64) continue;
            const bool wanted = std::any_of(view.records.begin(), view.records.end(), [&](const Record& r) {
                return !r.sha256.empty() && name == r.sha256;
            });
            if (!wanted) bundle::remove_tree(entry.path());
        }
    }
}

/// Fills `record` in either case; null when the plugin is refused or fails.
LibraryPtr Catalogue::load_library(const Candidate& candidate, std::uint32_t copy, Record& record) {
    LibraryPtr library;
    if (!candidate.fault) {
        LoadOptions options;
        // A bundle's store is as private as our copies; but the loader knows a file by itself only once.
        if (!candidate.manifest || copy > 0) options.store = options_.intake.copies;
        options.copy = copy;
        options.patience = options_.patience;
        options.quarantine = options_.state_root / ".quarantine";
        library = Library::load(candidate.library, host_, options, record);
        if (library) all_libraries_.push_back(library);
    }
    record.path = candidate.path.string();
    // Of a bare file what was loaded counts, should it have changed since it was judged.
    if (candidate.manifest || record.sha256.empty()) record.sha256 = candidate.sha256;
    record.keys = candidate.keys;
    if (candidate.fault) record.fault = *candidate.fault;
    if (!candidate.manifest) return library;
    record.form = "bundle";
    const bundle::Manifest& manifest = *candidate.manifest;
    if (library && (record.id != manifest.id || record.version != manifest.version)) {
        library.reset();
        record.loaded = false;
        refuse(record.fault, "entry", "the plugin is another than its manifest says",
               manifest.id + " " + manifest.version, record.id + " " + record.version,
               "have the bundle made anew from the plugin as it was built");
    }
    record.id = manifest.id;
    record.version = manifest.version;
    record.vendor = manifest.vendor;
    return library;
}

void Catalogue::load_one(View& view, const Candidate& candidate) {
    Record record;
    for (const auto& other : view.records) {
        std::error_code ec;
        if (!other.loaded || !fs::equivalent(candidate.path, other.path, ec)) continue;
        // Loading it once more would give the same code: init and deinit would hit the plugin in use.
        record.path = candidate.path.string();
        record.id = other.id;
        refuse(record.fault, "file", "this file is loaded already", "each plugin once", other.path,
               "remove the link, or the folder that is listed twice");
        log_failure(record);
        view.records.push_back(std::move(record));
        return;
    }
    const bool taken = candidate.manifest && libraries_.contains(candidate.manifest->id);
    auto library = taken ? nullptr : load_library(candidate, 0, record);
    if (taken || (library && libraries_.contains(record.id))) {
        library.reset();
        record.loaded = false;
        record.path = candidate.path.string();
        if (taken) record.id = candidate.manifest->id;
        refuse(record.fault, "entry", "another plugin of this id is loaded already", "one plugin with id " + record.id,
               "a second file", "remove one of the two files");
    }
    if (record.loaded) {
        record.generation = ++generations_[record.id];
        log::info("plugins", "plugin loaded", {{"id", record.id}, {"version", record.version}, {"path", record.path}});
        libraries_[record.id] = std::move(library);
    } else {
        log_failure(record);
    }
    view.records.push_back(std::move(record));
}

LibraryPtr Catalogue::find(const View& view, const std::string& id, Fault& fault) const {
    if (const auto at = libraries_.find(id); at != libraries_.end()) return at->second;
    std::string known;
    for (const auto& r : view.records)
        if (r.loaded) known += (known.empty() ? "" : ", ") + r.id;
    refuse(fault, "config", "no loaded plugin has the id " + id, id, known.empty() ? "no plugin" : known,
           "put the plugin into a folder of plugins.directories, or correct the id; /manage/plugins tells why one "
           "failed");
    return nullptr;
}

bool Catalogue::make_state_dir(const std::string& alias, std::string& path, Fault& fault) const {
    const fs::path directory = options_.state_root / alias;
    std::error_code ec;
    fs::create_directories(directory, ec);
    if (!ec) fs::permissions(directory, fs::perms::owner_all, ec);
    if (ec)
        return refuse(fault, "create", "the instance's folder cannot be made", directory.string(), ec.message(),
                      "check data_dir and its owner");
    path = directory.string();
    return true;
}

/// Whoever lets go last, it ends on the retirer's thread.
template <typename Kind>
std::shared_ptr<const Kind> Catalogue::shared(std::unique_ptr<Kind> instance) const {
    return std::shared_ptr<const Kind>(instance.release(), [retirer = retirer_](const Kind* gone) {
        retirer->run([gone] { delete gone; });
    });
}

Instance Catalogue::make(const Request& request, const LibraryPtr& library, Fault fault, Made& made) const {
    const Wanted& wanted = request.wanted;
    Instance instance{wanted.alias, wanted.plugin, request.kind, wanted.mount, false, std::move(fault)};
    std::string state_dir;
    if (!library || !make_state_dir(wanted.alias, state_dir, instance.fault)) return instance;
    if (request.kind == "provider") {
        if (auto one = Provider::create(library, host_, wanted.alias, wanted.config_json, state_dir, instance.fault)) {
            made.providers.push_back(shared(std::move(one)));
            all_providers_.push_back(made.providers.back());
            instance.ready = true;
        }
    } else if (request.kind == "auth_flow") {
        if (auto one = AuthFlow::create(library, options_.identity, wanted.alias, wanted.config_json, state_dir,
                                        instance.fault)) {
            made.flows.push_back(shared(std::move(one)));
            all_flows_.push_back(made.flows.back());
            instance.ready = true;
        }
    } else if (auto one = RouteInstance::create(library, host_, wanted.alias, wanted.config_json, state_dir,
                                                instance.fault)) {
        made.routes.push_back(shared(std::move(one)));
        all_routes_.push_back(made.routes.back());
        instance.ready = true;
    }
    return instance;
}

void Catalogue::add(const Wanted& wanted, const std::string& kind) {
    std::lock_guard change(change_mutex_);
    View next = *view();
    Fault fault;
    const LibraryPtr library = find(next, wanted.plugin, fault);
    Made made;
    requests_.push_back({wanted, kind});
    next.instances.push_back(make(requests_.back(), library, std::move(fault), made));
    log_instance(next.instances.back());
    next.providers.insert(next.providers.end(), made.providers.begin(), made.providers.end());
    next.routes.insert(next.routes.end(), made.routes.begin(), made.routes.end());
    next.flows.insert(next.flows.end(), made.flows.begin(), made.flows.end());
    publish(std::move(next));
}

void Catalogue::make_provider(const Wanted& wanted) {
    add(wanted, "provider");
}
void Catalogue::make_routes(const Wanted& wanted) {
    add(wanted, "http_routes");
}
void Catalogue::make_flow(const Wanted& wanted) {
    add(wanted, "auth_flow");
}

Result<Reloaded> Catalogue::refuse_reload(const View& view, Record& record, const Fault& fault) {
    View next = view;
    for (auto& r : next.records)
        if (r.path == record.path) r.fault = fault;
    publish(std::move(next));
    record.fault = fault;
    log_failure(record);
    return fail(Code::unprocessable, "plugin_refused", "plugin " + record.id + " is not reloaded: " + sentence(fault));
}

Result<Reloaded> Catalogue::reload(const std::string& id) {
    std::lock_guard change(change_mutex_);
    const ViewPtr before = view();
    const auto present =
        std::find_if(before->records.begin(), before->records.end(), [&](const Record& r) { return r.id == id; });
    if (present == before->records.end())
        return fail(Code::not_found, "plugin_not_found",
                    "there is no plugin '" + id + "'; a file that came since the start is found by a restart");

    Reloaded done;
    done.id = id;
    const Candidate candidate = judge(present->path, options_.intake, trust_of(options_.intake));
    if (present->loaded && !candidate.fault && candidate.sha256 == present->sha256) {
        done.version = present->version;
        done.sha256 = present->sha256;
        done.generation = present->generation;
        return done;
    }
    if (generations_[id] >= options_.generations)
        return fail(Code::conflict, "generation_limit",
                    "plugin " + id + " has been loaded " + std::to_string(generations_[id]) +
                        " times and code is never unloaded; restart the server to load another release");

    Record record;
    const LibraryPtr library = load_library(candidate, generations_[id], record);
    if (!library) {
        if (record.id.empty()) record.id = id;
        return refuse_reload(*before, record, record.fault);
    }
    ++generations_[id];
    record.generation = generations_[id];
    if (record.id != id) {
        Fault fault;
        refuse(fault, "entry", "the file holds another plugin now", id, record.id, "put the plugin back, or restart");
        return refuse_reload(*before, record, fault);
    }

    Made made;
    View next = *before;
    for (const Request& request : requests_) {
        if (request.wanted.plugin != id) continue;
        Instance instance = make(request, library, {}, made);
        const auto old = std::find_if(next.instances.begin(), next.instances.end(),
                                      [&](const Instance& i) { return i.alias == instance.alias; });
        if (!instance.ready && old->ready) {
            refuse(instance.fault, instance.fault.stage, "instance " + instance.alias + ": " + instance.fault.message,
                   instance.fault.expected, instance.fault.found, instance.fault.remedy);
            return refuse_reload(*before, record, instance.fault);
        }
        done.instances.push_back(instance.alias);
        *old = std::move(instance);
    }
    // Routes were laid out at start; what is behind them can change, they cannot.
    for (const auto& fresh : made.routes)
        if (const auto old = before->route_instance(fresh->alias()); !old || old->routes() != fresh->routes())
            return fail(Code::conflict, "routes_changed",
                        "plugin " + id + " brings other routes than the one that is loaded; restart the server");
    for (const auto& fresh : made.flows)
        if (const auto old = before->flow(fresh->alias());
            !old || old->endpoints() != fresh->endpoints() || old->credential_fields() != fresh->credential_fields())
            return fail(Code::conflict, "routes_changed",
                        "plugin " + id + " brings other endpoints than the one that is loaded; restart the server");
    const auto replace = [](auto& all, const auto& fresh) {
        for (const auto& one : fresh) {
            const auto at = std::find_if(all.begin(), all.end(), [&](const auto& o) { return o->alias() == one->alias(); });
            if (at == all.end())
                all.push_back(one);
            else
                *at = one;
        }
    };
    replace(next.providers, made.providers);
    replace(next.routes, made.routes);
    replace(next.flows, made.flows);
    for (auto& r : next.records)
        if (r.path == present->path) r = record;
    done.version = record.version;
    done.sha256 = record.sha256;
    done.generation = record.generation;
    done.changed = true;
    log::info("plugins", "plugin reloaded",
              {{"id", id}, {"version", record.version}, {"generation", std::to_string(record.generation)}});
    libraries_[id] = library;
    publish(std::move(next));
    return done;
}

}  // namespace acp::plugins
