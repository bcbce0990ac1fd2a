#include "app/serve.h"

#include <csignal>
#include <iostream>

#include "app/control_plane.h"
#include "config/load.h"
#include "log/log.h"

namespace acp::app {

namespace {

sigset_t awaited_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    return set;
}

}  // namespace

void block_signals() {
    sigset_t set = awaited_signals();
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    // A peer that closes is told by the write that fails, not by a signal.
    ::signal(SIGPIPE, SIG_IGN);
}

int ServeApplication::main(const std::vector<std::string>&) {
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
