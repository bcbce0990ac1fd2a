// app: `alphaswarm-cp serve` as a Poco application.
#pragma once

#include <string>
#include <vector>

#include <Poco/Util/ServerApplication.h>

#include "config/config.h"

namespace acp::app {

/// Runs until SIGTERM or SIGINT, then drains. Signals must be blocked in the
/// whole process before this is made: one thread takes them.
class ServeApplication : public Poco::Util::ServerApplication {
public:
    explicit ServeApplication(config::Config config) : config_(std::move(config)) {}

protected:
    int main(const std::vector<std::string>& arguments) override;

private:
    config::Config config_;
};

/// Blocks the signals that `serve` waits for, in the calling thread and all
/// that it starts.
void block_signals();

}  // namespace acp::app
