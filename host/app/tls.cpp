#include "app/tls.h"

#include "base/clock.h"
#include "log/log.h"

namespace acp::app {

namespace {

tls::ServerOptions options_of(const config::Tls& settings) {
    tls::ServerOptions options;
    for (const auto& pair : settings.certificates)
        options.certificates.push_back({pair.certificate.string(), pair.key.string()});
    options.client_ca_file = settings.client_ca.string();
    if (settings.client_auth == "optional") options.client_auth = tls::ClientAuth::optional;
    if (settings.client_auth == "required") options.client_auth = tls::ClientAuth::required;
    if (settings.min_version == "1.3") options.min_version = tls::Version::tls1_3;
    return options;
}

/// The error of a load with each file's place in the configuration.
Error placed(Error error, const config::Config& config) {
    for (Violation& violation : error.violations) {
        const std::string pointer = "/server/tls" + violation.pointer;
        violation = config::locate(config.origins.at(pointer), pointer, violation.detail);
    }
    return error;
}

}  // namespace

Result<void> ListenerTls::load(const config::Config& config) {
    if (!config.server.tls) return {};
    auto loaded = tls::ServerContexts::load(options_of(*config.server.tls), tickets_);
    if (!loaded) return fail(placed(loaded.error(), config));
    for (const std::string& warning : (*loaded)->warnings()) log::warn("tls", warning);
    const bool changed = !contexts_ || contexts_->fingerprint() != (*loaded)->fingerprint();
    contexts_ = std::move(*loaded);
    if (!changed) return {};
    for (const auto& certificate : contexts_->certificates())
        log::info("tls", "certificate in use",
                  {{"file", certificate.file},
                   {"subject", certificate.subject},
                   {"not_after", rfc3339_ms(certificate.not_after_unix_s * 1000)}});
    return {};
}

}  // namespace acp::app
