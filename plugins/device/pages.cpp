#include "pages.h"

#include <algorithm>

#include "flow/json.h"

namespace acp::device {

using flow::Json;
using sdk::Decision;

namespace {

constexpr const char* kAction = "/device";

}  // namespace

Decision code_page(const std::string& user_code, const std::string& problem) {
    Json body = {{"step", "code"}, {"action", kAction}, {"user_code", shown_code(user_code)}};
    if (!problem.empty()) body["problem"] = problem;
    return Decision::page(ACP_AUTH_PAGE_DEVICE, body.dump()).http_status(problem.empty() ? 200 : 400);
}

Decision confirm_page(const std::string& user_code, const Record& record) {
    return Decision::page(ACP_AUTH_PAGE_DEVICE, Json{{"step", "confirm"},
                                                     {"action", kAction},
                                                     {"user_code", shown_code(user_code)},
                                                     {"client_name", record.client_name},
                                                     {"scopes", record.scopes},
                                                     {"address", record.address}}
                                                    .dump());
}

Decision message_page(const std::string& title, const std::string& text) {
    return Decision::page(ACP_AUTH_PAGE_MESSAGE, Json{{"title", title}, {"text", text}}.dump());
}

std::string shown_code(const std::string& typed) {
    const bool plain = typed.size() <= 16 && std::all_of(typed.begin(), typed.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == ' ';
    });
    return plain ? typed : std::string();
}

}  // namespace acp::device
