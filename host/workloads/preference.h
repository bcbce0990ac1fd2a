// workloads: what a client asks for about waiting and repeating.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "dispatch/route.h"
#include "ledger/run.h"

namespace acp::workloads {

/// Milliseconds to wait for an outcome by the Prefer field (RFC 7240 sections
/// 4.1 and 4.3); at most 300 s. Malformed preferences are ignored, as the RFC asks.
std::int64_t wait_ms(std::string_view prefer, std::int64_t fallback_ms) noexcept;

/// The claim of an Idempotency-Key field, none when absent. The key is 1 to 128
/// visible ASCII characters, quoted or not.
Result<std::optional<ledger::IdempotencyClaim>> idempotency_claim(const dispatch::Context& context);

}  // namespace acp::workloads
