// docker: the desired states of one instance, a file for each workload in its
// private folder. They hold environment values, which may be secret: mode 0600.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "desired.h"

namespace acp::docker {

class Store {
public:
    explicit Store(std::filesystem::path folder) : folder_(std::move(folder)) {}

    /// Nothing when the workload has no record. Throws sdk::Failure when it
    /// has one that cannot be read.
    std::optional<Desired> load(const std::string& service_id) const;
    /// In one step, durable when it returns. Throws sdk::Failure.
    void save(const Desired& desired) const;
    void erase(const std::string& service_id) const;
    /// The ids of all records, sorted.
    std::vector<std::string> ids() const;

private:
    std::filesystem::path path_of(const std::string& service_id) const;
    std::filesystem::path folder_;
};

}  // namespace acp::docker
