// auth: the rows that the endpoints leave in the ledger.
#pragma once

#include <string>

#include "base/result.h"
#include "ledger/ledger.h"

namespace acp::auth {

/// [any-thread]
class SecurityLog {
public:
    explicit SecurityLog(ledger::Ledger& ledger) : ledger_(ledger) {}
    virtual ~SecurityLog() = default;

    /// Returns once the row is durable. Code::unavailable when the ledger cannot keep
    /// it: what it records must not happen then. [may-block]
    virtual Result<void> require(ledger::SecurityEvent event);
    /// Keeps the row as soon as it can. [must-not-block]
    virtual void note(ledger::SecurityEvent event);

private:
    ledger::Ledger& ledger_;
};

}  // namespace acp::auth
