#include "plugins/catalogue.h"

#include <algorithm>
#include <set>

#include "log/log.h"
#include "plugins/instance_config.h"

namespace acp::plugins {

namespace fs = std::filesystem;

void Catalogue::load(const std::vector<fs::path>& directories) {
    for (const auto& directory : directories) {
        std::error_code ec;
        std::set<fs::path> files;
        for (const auto& entry : fs::directory_iterator(directory, ec))
            if (entry.path().extension() == ".so") files.insert(entry.path());
        if (ec) {
            Record record;
            record.path = directory.string();
            refuse(record.fault, "file", "the plugin folder cannot be read", "a readable folder", ec.message(), "correct plugins.directories");
            log::error("plugins", "a plugin folder cannot be read", {{"path", record.path}, {"cause", ec.message()}});
            records_.push_back(std::move(record));
        }
        for (const auto& file : files) load_one(file);
    }
}

void Catalogue::load_one(const fs::path& path) {
    Record record;
    for (const auto& other : records_) {
        std::error_code ec;
        if (!other.loaded || !fs::equivalent(path, other.path, ec)) continue;
        // Loading it once more would give the same code: init and deinit would hit the plugin in use.
        record.path = path.string();
        record.id = other.id;
        refuse(record.fault, "file", "this file is loaded already", "each plugin once", other.path, "remove the link, or the folder that is listed twice");
        log::error("plugins", "plugin not loaded", {{"path", record.path}, {"id", record.id}, {"message", record.fault.message}, {"found", record.fault.found}});
        records_.push_back(std::move(record));
        return;
    }
    auto library = Library::load(path, host_, record);
    const bool taken = library && std::any_of(libraries_.begin(), libraries_.end(), [&](const Loaded& l) { return l.id == record.id; });
    if (taken) {
        library.reset();
        record.loaded = false;
        refuse(record.fault, "entry", "another plugin of this id is loaded already", "one plugin with id " + record.id, "a second file", "remove one of the two files");
    }
    if (record.loaded) {
        log::info("plugins", "plugin loaded", {{"id", record.id}, {"version", record.version}, {"path", record.path}});
        libraries_.push_back({record.id, std::move(library)});
    } else {
        log::error("plugins", "plugin not loaded",
                   {{"path", record.path}, {"id", record.id}, {"stage", record.fault.stage}, {"message", record.fault.message},
                    {"expected", record.fault.expected}, {"found", record.fault.found}, {"remedy", record.fault.remedy}});
    }
    records_.push_back(std::move(record));
}

const Library* Catalogue::find(const std::string& id, Fault& fault) const {
    for (const auto& l : libraries_)
        if (l.id == id) return l.library.get();
    std::string known;
    for (const auto& l : libraries_) known += (known.empty() ? "" : ", ") + l.id;
    refuse(fault, "config", "no loaded plugin has the id " + id, id, known.empty() ? "no plugin" : known,
           "put the plugin into a folder of plugins.directories, or correct the id; /manage/plugins tells why one failed");
    return nullptr;
}

bool Catalogue::make_state_dir(const std::string& alias, std::string& path, Fault& fault) const {
    const fs::path directory = state_root_ / alias;
    std::error_code ec;
    fs::create_directories(directory, ec);
    if (!ec) fs::permissions(directory, fs::perms::owner_all, ec);
    if (ec) return refuse(fault, "create", "the instance's folder cannot be made", directory.string(), ec.message(), "check data_dir and its owner");
    path = directory.string();
    return true;
}

template <typename Kind>
void Catalogue::make(const Wanted& wanted, std::string kind, std::vector<std::unique_ptr<Kind>>& into) {
    Instance instance{wanted.alias, wanted.plugin, std::move(kind), wanted.mount, false, {}};
    std::string state_dir;
    if (const Library* library = find(wanted.plugin, instance.fault); library && make_state_dir(wanted.alias, state_dir, instance.fault)) {
        auto made = Kind::create(*library, host_, wanted.alias, wanted.config_json, state_dir, instance.fault);
        instance.ready = made != nullptr;
        if (made) into.push_back(std::move(made));
    }
    if (instance.ready)
        log::info("plugins", "instance ready", {{"alias", instance.alias}, {"kind", instance.kind}, {"plugin", instance.plugin}});
    else
        log::error("plugins", "instance failed",
                   {{"alias", instance.alias}, {"kind", instance.kind}, {"plugin", instance.plugin}, {"message", instance.fault.message},
                    {"expected", instance.fault.expected}, {"found", instance.fault.found}, {"remedy", instance.fault.remedy}});
    instances_.push_back(std::move(instance));
}

void Catalogue::make_provider(const Wanted& wanted) { make(wanted, "provider", providers_); }
void Catalogue::make_routes(const Wanted& wanted) { make(wanted, "http_routes", routes_); }

Result<const Provider*> Catalogue::provider(const std::string& alias) const {
    for (const auto& p : providers_)
        if (p->alias() == alias) return p.get();
    for (const auto& i : instances_)
        if (i.kind == "provider" && i.alias == alias)
            return fail(Code::unavailable, "provider_unavailable",
                        "provider '" + alias + "' did not start: " + i.fault.message + " (expected " + i.fault.expected + ", found " + i.fault.found + ")");
    std::string known;
    for (const auto& i : instances_)
        if (i.kind == "provider") known += (known.empty() ? "" : ", ") + i.alias;
    return fail(Code::not_found, "provider_not_found", "there is no provider '" + alias + "'; configured: " + (known.empty() ? "none" : known));
}

}  // namespace acp::plugins
