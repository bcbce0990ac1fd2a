#include "lifecycle.h"

#include <algorithm>
#include <map>

#include "config.h"
#include "fleet.h"
#include "spec.h"
#include "status.h"

namespace acp::docker {

namespace {

using sdk::Failure;

Failure unknown(const Settings& settings, const std::string& id) {
    return {ACP_E_NOT_FOUND, "provider " + settings.alias + " knows no workload " + sdk::clip(id, 63)};
}

}  // namespace

void Lifecycle::change(const sdk::Call& call, const std::optional<Desired>& before, const Desired& next) {
    // The record goes first: after a crash in between, the same action again
    // finds containers of another revision and finishes the job.
    store_.save(next);
    try {
        converge(engine_, containers_, call, next);
    } catch (...) {
        if (before) {
            store_.save(*before);
        } else {
            store_.erase(next.service_id);
        }
        throw;
    }
}

sdk::DeploymentStatus Lifecycle::start(const sdk::Call& call, const sdk::DeploymentSpec& spec) {
    if (spec.is_kept_one()) return start_again(call, spec.service_id);
    Desired next = desired_from_spec(spec);
    const ServiceLocks::Held held = locks_.acquire(call, next.service_id);
    const std::optional<Desired> before = store_.load(next.service_id);
    if (before && before->spec_hash == next.spec_hash) {
        // Known already: what scale and apply_config changed since stays, and
        // a stopped one runs again as the spec has it.
        next = *before;
        if (next.replicas == 0) next.replicas = next.spec_replicas;
    } else {
        // Without a record, containers of an unknown past may be there.
        for (const Container& c : containers_.list(call, next.service_id))
            next.revision = std::max(next.revision, c.revision + 1);
        if (before) {
            next.revision = std::max(next.revision, before->revision + 1);
            next.files = before->files;
        }
    }
    change(call, before, next);
    return status(call, next.service_id);
}

sdk::DeploymentStatus Lifecycle::start_again(const sdk::Call& call, const std::string& id) {
    require_known(call, id);
    const ServiceLocks::Held held = locks_.acquire(call, id);
    const Desired before = require_record(call, id);
    Desired next = before;
    if (next.replicas == 0) next.replicas = next.spec_replicas;
    change(call, before, next);
    return status(call, id);
}

sdk::DeploymentStatus Lifecycle::stop(const sdk::Call& call, const std::string& id) {
    require_known(call, id);
    const ServiceLocks::Held held = locks_.acquire(call, id);
    const std::optional<Desired> before = store_.load(id);
    if (before) {
        Desired next = *before;
        next.replicas = 0;
        change(call, before, next);
    } else {
        in_parallel(containers_of(call, id, {}), [&](const Container& c) { containers_.stop(call, c.id); });
    }
    return status(call, id);
}

sdk::DeploymentStatus Lifecycle::scale(const sdk::Call& call, const std::string& id, std::uint32_t replicas) {
    require_known(call, id);
    const ServiceLocks::Held held = locks_.acquire(call, id);
    const Desired before = require_record(call, id);
    check_replicas(replicas, before.has_fixed_port());
    Desired next = before;
    next.replicas = replicas;
    change(call, before, next);
    return status(call, id);
}

sdk::DeploymentStatus Lifecycle::restart(const sdk::Call& call, const std::string& id) {
    require_known(call, id);
    const ServiceLocks::Held held = locks_.acquire(call, id);
    const std::optional<Desired> record = store_.load(id);
    std::vector<Container> all = containers_.list(call, id);
    if (record ? record->replicas == 0
               : std::none_of(all.begin(), all.end(), [](const Container& c) { return c.alive(); }))
        throw Failure(ACP_E_CONFLICT, "workload " + id + " is stopped: start it instead");
    // One after the other, so that the rest goes on serving.
    for (const Container& c : all) containers_.restart(call, c.id);
    return status(call, id);
}

void Lifecycle::remove(const sdk::Call& call, const std::string& id) {
    require_known(call, id);
    const ServiceLocks::Held held = locks_.acquire(call, id);
    in_parallel(containers_.list(call, id), [&](const Container& c) {
        if (c.alive()) containers_.stop(call, c.id);
        containers_.remove(call, c.id);
    });
    // Last: until the containers are gone the workload is known.
    store_.erase(id);
}

sdk::DeploymentStatus Lifecycle::status(const sdk::Call& call, const std::string& id) {
    const std::optional<Desired> record = store_.load(id);
    std::vector<Container> found = inspected(call, containers_.list(call, id));
    if (!record && found.empty()) throw unknown(engine_.settings(), id);
    return describe(id, record, found);
}

std::vector<sdk::DeploymentStatus> Lifecycle::list(const sdk::Call& call, const std::string& namespace_) {
    std::map<std::string, std::vector<Container>> by_service;
    for (const std::string& id : store_.ids()) by_service[id];
    for (Container& c : containers_.list(call))
        if (valid_service_id(c.service_id)) by_service[c.service_id].push_back(std::move(c));
    std::vector<sdk::DeploymentStatus> out;
    for (auto& [id, found] : by_service) {
        std::optional<Desired> record;
        try {
            record = store_.load(id);
        } catch (const Failure& f) {
            // One damaged record must not hide the other workloads.
            engine_.host().log(ACP_LOG_ERROR, engine_.settings().alias, f.message());
        }
        found = inspected(call, std::move(found));
        if (!record && found.empty()) continue;  // deleted since
        sdk::DeploymentStatus status = describe(id, record, found);
        if (namespace_.empty() || status.namespace_ == namespace_) out.push_back(std::move(status));
    }
    return out;
}

std::string Lifecycle::get_config(const sdk::Call& call, const std::string& id) {
    require_known(call, id);
    return config_of(require_record(call, id));
}

std::string Lifecycle::apply_config(const sdk::Call& call, const std::string& id, const std::string& patch,
                                    bool dry_run) {
    require_known(call, id);
    const ServiceLocks::Held held = locks_.acquire(call, id);
    const Desired before = require_record(call, id);
    Desired next = before;
    patch_config(next, patch);
    if (!dry_run && (next.env != before.env || next.files != before.files)) {
        ++next.revision;
        change(call, before, next);
    }
    return config_of(next);
}

std::vector<Container> Lifecycle::containers_of(const sdk::Call& call, const std::string& id,
                                                const std::string& replica) {
    require_known(call, id);
    std::vector<Container> out = containers_.list(call, id);
    if (!replica.empty()) {
        std::erase_if(out,
                      [&](const Container& c) { return std::to_string(c.replica) != replica && c.name != replica; });
        if (out.empty()) throw Failure(ACP_E_NOT_FOUND, "workload " + id + " has no replica " + sdk::clip(replica, 128));
    }
    return out;
}

void Lifecycle::require_known(const sdk::Call& call, const std::string& id) {
    if (!valid_service_id(id) || (!store_.load(id) && containers_.list(call, id).empty()))
        throw unknown(engine_.settings(), id);
}

Desired Lifecycle::require_record(const sdk::Call& call, const std::string& id) {
    std::optional<Desired> record = store_.load(id);
    if (record) return *std::move(record);
    if (containers_.list(call, id).empty()) throw unknown(engine_.settings(), id);
    throw Failure(ACP_E_CONFLICT, "the spec of workload " + id +
                                      " is lost, only its containers are there: start it again with its spec");
}

std::vector<Container> Lifecycle::inspected(const sdk::Call& call, std::vector<Container> containers) {
    std::erase_if(containers, [&](Container& c) { return !containers_.inspect(call, c); });
    return containers;
}

}  // namespace acp::docker
