// abi: conversions between the C boundary's values and the house's own.
#pragma once

#include <string>
#include <string_view>

#include "alphaswarm-cp/types.h"
#include "base/result.h"

namespace acp::abi {

Code code_of(acp_status status) noexcept;

inline std::string_view view(acp_str s) noexcept { return s.ptr ? std::string_view(s.ptr, s.len) : std::string_view(); }
inline std::string text(acp_str s) { return std::string(view(s)); }
inline acp_str str(std::string_view s) noexcept { return {s.data(), s.size()}; }

/// Copies what a callee filled in and releases it. `where` names the callee in
/// messages that it left empty.
Error take_error(acp_status status, acp_error& raw, std::string_view where);

}  // namespace acp::abi
