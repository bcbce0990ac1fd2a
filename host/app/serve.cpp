#include "app/serve.h"

#include <csignal>
#include <iostream>

#include "app/control_plane.h"
#include "config/load.h"
#include "log/log.h"
#include "redact/redactor.h"

namespace acp::app {

namespace {

sigset_t awaited_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    return set;
}

log::Level level_of(const std::string& name) {
    if (name == "trace") return log::Level::trace;
    if (name == "debug") return log::Level::debug;
    if (name == "warn") return log::Level::warn;
    if (name == "error") return log::Level::error;
    return log::Level::info;
}

void configure_log(const config::Config& config) {
    static const redact::Redactor redactor;
    log::configure(level_of(config.log.level), config.log.format == "text" ? log::Format::text : log::Format::json,
                   [](std::string_view text) { return redactor.redact_text(text); });
}

}  // namespace

void block_signals() {
    sigset_t set = awaited_signals();
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    // A peer that closes is told by the write that fails, not by a signal.
    ::signal(SIGPIPE, SIG_IGN);
}

int ServeApplication::main(const std::vector<std::string>&) {
    // Not before this point: Poco's logging subsystem, which has just been set
    // up, puts a console channel of its own in place.
    configure_log(config_);
    auto plane = ControlPlane::make(config_);
    if (!plane) {
        std::cerr << "alphaswarm-cp: " << config::describe(plane.error()) << "\n";
        return EXIT_SOFTWARE;
    }
    (*plane)->start();
    config::Endpoint bound{config_.server.listen.host, (*plane)->port()};
    // On standard output, for scripts that chose port 0.
    std::cout << "listening on http://" << bound.text() << std::endl;
    log::info("app", "serving", {{"address", bound.text()}, {"data_dir", config_.data_dir.string()}});

    sigset_t set = awaited_signals();
    int signal = 0;
    sigwait(&set, &signal);
    log::info("app", "draining", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
    (*plane)->drain();
    plane->reset();
    log::info("app", "ended");
    return EXIT_OK;
}

}  // namespace acp::app
