// conformance: judgements on texts and numbers that a plugin gave.
#pragma once

#include <string>
#include <string_view>

#include "alphaswarm-cp/types.h"

namespace acp::conformance {

/// Well-formed UTF-8 by RFC 3629, without NUL.
bool is_utf8(std::string_view text) noexcept;
/// One JSON text by RFC 8259.
bool is_json(std::string_view text);
bool is_json_object(std::string_view text);
bool is_json_array(std::string_view text);
/// The object's member of that name is an object, too.
bool has_object(std::string_view object, const char* member);
/// Top-level "additionalProperties": false.
bool is_closed_schema(std::string_view schema);
/// MAJOR.MINOR.PATCH[-PRERELEASE][+BUILD] of semver.org.
bool is_semver(std::string_view text);
/// `<RFC 3339 with nanoseconds, UTC> <replica> <text>\n` of acp.logs/1.
bool is_log_line(std::string_view line);
bool is_status(acp_status status) noexcept;
/// "ACP_E_NOT_FOUND", or the number.
std::string status_name(acp_status status);
/// In quotes, cut to 120 bytes, with whatever is not printable escaped.
std::string in_quotes(std::string_view text);

/// `text` itself when it is UTF-8, else quoted.
std::string printable(std::string text);

}  // namespace acp::conformance
