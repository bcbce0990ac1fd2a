#include "app/serve.h"

#include <csignal>
#include <iostream>

#include "app/control_plane.h"
#include "app/service_manager.h"
#include "base/clock.h"
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
    sigaddset(&set, SIGHUP);
    return set;
}

log::Level level_of(const std::string& name) {
    if (name == "trace") return log::Level::trace;
    if (name == "debug") return log::Level::debug;
    if (name == "warn") return log::Level::warn;
    if (name == "error") return log::Level::error;
    return log::Level::info;
}

std::string url_of(const wire::Listener& listener) {
    if (listener.kind == wire::Listener::Kind::unix_socket) return "unix:" + listener.path;
    if (listener.kind == wire::Listener::Kind::inherited && listener.port == 0) return "inherited socket";
    return (listener.tls ? "https://" : "http://") + config::Endpoint{listener.host, listener.port}.text();
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
    auto plane = ControlPlane::make(config_, inherited_sockets());
    if (!plane) {
        std::cerr << "alphaswarm-cp: " << config::describe(plane.error()) << "\n";
        return EXIT_SOFTWARE;
    }
    (*plane)->start();
    for (const wire::Listener& listener : (*plane)->listeners()) {
        const std::string url = url_of(listener);
        // On standard output, for scripts that chose port 0.
        std::cout << "listening on " << url << std::endl;
        log::info("app", "serving", {{"address", url}, {"data_dir", config_.data_dir.string()}});
    }
    notify_service_manager("READY=1");

    const sigset_t set = awaited_signals();
    int signal = 0;
    while (sigwait(&set, &signal) != 0 || signal == SIGHUP) reload(**plane);
    log::info("app", "draining", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
    notify_service_manager("STOPPING=1");
    (*plane)->drain();
    plane->reset();
    log::info("app", "ended");
    return EXIT_OK;
}

void ServeApplication::reload(ControlPlane& plane) {
    notify_service_manager("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(monotonic_ns() / 1000));
    auto fresh = load_();
    auto left = fresh ? plane.reload(*fresh) : Result<std::vector<std::string>>(fail(fresh.error()));
    if (!left) {
        log::error("app", "the configuration was not reloaded, the one before stays in effect",
                   {{"cause", config::describe(left.error())}});
    } else {
        log::set_level(level_of(fresh->log.level));
        std::string keys;
        for (const std::string& key : *left) keys += (keys.empty() ? "" : ", ") + key;
        if (keys.empty())
            log::info("app", "configuration reloaded");
        else
            log::warn("app", "configuration reloaded, but for keys that need a restart", {{"keys", keys}});
    }
    notify_service_manager("READY=1");
}

}  // namespace acp::app
