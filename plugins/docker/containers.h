// docker: containers of this instance, found by their labels.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "desired.h"
#include "engine.h"

namespace acp::docker {

struct Endpoint {
    std::string host, protocol;
    std::uint16_t container_port = 0, port = 0;
};

struct Container {
    std::string id, name;
    // from labels
    std::string service_id, spec_hash, namespace_;
    std::uint32_t replica = 0;
    std::int64_t revision = 0;
    // from the list
    std::string image;
    std::string state;  ///< created running paused restarting removing exited dead
    std::vector<Endpoint> endpoints;
    // from inspect
    std::string health;  ///< empty, starting, healthy or unhealthy
    std::string error;
    std::int64_t exit_code = 0;
    std::int64_t changed_unix_ms = 0;  ///< last start or end, 0: never

    /// It has processes, or the Engine is about to give it some.
    bool alive() const noexcept { return state == "running" || state == "restarting" || state == "paused"; }
    bool ready() const noexcept { return state == "running" && (health.empty() || health == "healthy"); }
};

class Containers {
public:
    explicit Containers(Engine& engine) : engine_(engine) {}

    /// Those of one workload, or of all of them when `service_id` is empty; by
    /// service and replica.
    std::vector<Container> list(const sdk::Call& call, const std::string& service_id = {});
    /// Fills in what only inspect tells. False when it is gone.
    bool inspect(const sdk::Call& call, Container& container);

    std::string final_name(const std::string& service_id, std::uint32_t replica) const;
    /// Makes it, with the workload's files, and does not start it. Its id.
    std::string create(const sdk::Call& call, const Desired& desired, std::uint32_t replica, const std::string& name);
    void start(const sdk::Call& call, const std::string& id);
    /// Gives it the instance's stop timeout. One that is gone is no failure.
    void stop(const sdk::Call& call, const std::string& id);
    void restart(const sdk::Call& call, const std::string& id);
    /// With its anonymous volumes; kills what still runs. One that is gone is no failure.
    void remove(const sdk::Call& call, const std::string& id);
    void rename(const sdk::Call& call, const std::string& id, const std::string& name);

private:
    void put_files(const sdk::Call& call, const std::string& id, const json::Pairs& files);
    Engine& engine_;
};

}  // namespace acp::docker
