#include "auth/security_log.h"

#include <future>
#include <memory>

namespace acp::auth {

Result<void> LedgerLog::require(ledger::SecurityEvent event) {
    // Shared: the writer's thread may still be in set_value when this one goes on.
    auto kept = std::make_shared<std::promise<Result<void>>>();
    auto outcome = kept->get_future();
    ledger_.record(std::move(event), [kept](Result<void> result) { kept->set_value(std::move(result)); });
    return outcome.get();
}

void LedgerLog::note(ledger::SecurityEvent event) {
    ledger_.record(std::move(event));
}

}  // namespace acp::auth
