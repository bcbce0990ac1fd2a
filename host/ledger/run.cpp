#include "ledger/run.h"

namespace acp::ledger {

std::string_view to_text(RunStatus status) noexcept {
    switch (status) {
        case RunStatus::pending:
            return "pending";
        case RunStatus::running:
            return "running";
        case RunStatus::succeeded:
            return "succeeded";
        case RunStatus::failed:
            return "failed";
        case RunStatus::rejected:
            return "rejected";
        case RunStatus::halted:
            return "halted";
        case RunStatus::cancelled:
            return "cancelled";
    }
    return "failed";
}

bool is_final(RunStatus status) noexcept {
    return status != RunStatus::pending && status != RunStatus::running;
}

}  // namespace acp::ledger
