// device: what fills the host's pages.
#pragma once

#include <string>

#include "record.h"

namespace acp::device {

/// Asks for a code; `problem` empty: nothing has gone wrong.
sdk::Decision code_page(const std::string& user_code, const std::string& problem);
/// Shows who asks for what, and asks to approve or deny.
sdk::Decision confirm_page(const std::string& user_code, const Record& record);
sdk::Decision message_page(const std::string& title, const std::string& text);

/// At most 16 of the characters that a code can be typed with, else empty: what came
/// with a request is shown only if it can be a code.
std::string shown_code(const std::string& typed);

}  // namespace acp::device
