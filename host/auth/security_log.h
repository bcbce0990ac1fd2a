// auth: the rows that the endpoints leave in the ledger.
#pragma once

#include <string>

#include "base/result.h"
#include "ledger/ledger.h"

namespace acp::auth {

/// [any-thread]
class SecurityLog {
public:
    virtual ~SecurityLog() = default;

    /// Returns once the row is durable. Code::unavailable when it cannot be kept: what it
    /// records must not happen then. [may-block]
    virtual Result<void> require(ledger::SecurityEvent event) = 0;
    /// Keeps the row as soon as it can. [must-not-block]
    virtual void note(ledger::SecurityEvent event) = 0;
};

class LedgerLog final : public SecurityLog {
public:
    explicit LedgerLog(ledger::Ledger& ledger) : ledger_(ledger) {}
    Result<void> require(ledger::SecurityEvent event) override;
    void note(ledger::SecurityEvent event) override;

private:
    ledger::Ledger& ledger_;
};

}  // namespace acp::auth
