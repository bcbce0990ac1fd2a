// app: `alphaswarm-cp serve` as a Poco application.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <Poco/Util/ServerApplication.h>

#include "app/control_plane.h"
#include "base/result.h"
#include "config/config.h"

namespace acp::app {

/// Runs until SIGTERM or SIGINT, then drains; SIGHUP reloads. Signals must be blocked in the
/// whole process before this is made: one thread takes them.
class ServeApplication : public Poco::Util::ServerApplication {
public:
    /// `load` reads the configuration again, for SIGHUP.
    ServeApplication(config::Config config, std::function<Result<config::Config>()> load)
        : config_(std::move(config)), load_(std::move(load)) {}

protected:
    int main(const std::vector<std::string>& arguments) override;

private:
    void reload(ControlPlane& plane);
    config::Config config_;
    const std::function<Result<config::Config>()> load_;
};

/// Blocks the signals that `serve` waits for, in the calling thread and all
/// that it starts.
void block_signals();

}  // namespace acp::app
