// app: the listeners' TLS, from the configuration to the wire.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "config/config.h"
#include "tls/server_contexts.h"
#include "tls/ticket_keys.h"

namespace acp::app {

/// Certificates of the listeners, which a reload replaces; the keys of session
/// tickets stay, so that clients can resume across it. One thread at a time.
class ListenerTls {
public:
    /// Does nothing without server.tls. On an error what was loaded stays. The
    /// error's violations name file, line and key.
    Result<void> load(const config::Config& config);
    bool is_on() const noexcept { return contexts_ != nullptr; }
    /// What was loaded last; null without TLS.
    const std::shared_ptr<const tls::ServerContexts>& contexts() const noexcept { return contexts_; }

private:
    std::shared_ptr<tls::TicketKeys> tickets_ = std::make_shared<tls::TicketKeys>();
    std::shared_ptr<const tls::ServerContexts> contexts_;
};

}  // namespace acp::app
