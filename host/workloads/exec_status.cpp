#include "workloads/exec_status.h"

#include <exception>

#include "http/problem.h"
#include "json/json.h"

namespace acp::workloads {

int exit_code(const std::string& status_text, std::string& message) {
    auto status = json::parse_object(status_text);
    if (!status) return -1;
    if (json::text_or(*status, "status") == "Success") return 0;
    message = json::text_or(*status, "message");
    auto details = (*status)->getObject("details");
    if (!details || !details->isArray("causes")) return -1;
    for (const auto& item : *details->getArray("causes")) {
        if (item.type() != typeid(json::Object::Ptr)) continue;
        const auto& cause = item.extract<json::Object::Ptr>();
        if (json::text_or(cause, "reason") != "ExitCode") continue;
        try {
            return std::stoi(json::text_or(cause, "message", "-1"));
        } catch (const std::exception&) {
            return -1;
        }
    }
    return -1;
}

std::string status_success() {
    return R"({"metadata":{},"status":"Success"})";
}

std::string status_failure(const Error& error) {
    return json::dump(json::object({{"metadata", json::object()},
                                    {"status", "Failure"},
                                    {"reason", error.slug},
                                    {"message", error.message},
                                    {"code", http::status_of(error.code)}}));
}

}  // namespace acp::workloads
