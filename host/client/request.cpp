#include "client/request.h"

#include <algorithm>
#include <array>

namespace acp::client {

namespace {

tl::unexpected<Error> cannot_send(const std::string& what) {
    return fail(Code::invalid, "bad_request", what);
}

bool is_ours(std::string_view name) {
    constexpr std::array<std::string_view, 8> kOurs = {
        "host", "connection", "content-length", "transfer-encoding", "keep-alive", "te", "trailer", "expect"};
    return std::any_of(kOurs.begin(), kOurs.end(),
                       [&](std::string_view ours) { return wire::http1::equals_ci(name, ours); });
}

}  // namespace

Result<void> check(const Request& request) {
    if (!wire::http1::is_token(request.method)) return cannot_send("the method is no token");
    if (request.method == "CONNECT") return cannot_send("the method CONNECT is for proxies alone");
    if (!wire::http1::is_target(request.target)) return cannot_send("the target holds a character that it must not");
    if (!wire::http1::is_authority(request.authority)) return cannot_send("the host is malformed");
    bool names_protocol = false;
    for (const auto& [name, value] : request.fields) {
        if (!wire::http1::is_token(name)) return cannot_send("a field name is no token");
        if (!wire::http1::is_field_value(value))
            return cannot_send("the value of " + name + " holds a control character");
        if (is_ours(name)) return cannot_send("the field " + name + " is set by the client itself");
        if (wire::http1::equals_ci(name, "upgrade")) {
            if (!request.upgrade) return cannot_send("the field Upgrade goes with an upgrade only");
            names_protocol = true;
        }
    }
    if (request.upgrade && !names_protocol) return cannot_send("an upgrade needs the field Upgrade");
    return {};
}

bool is_idempotent(std::string_view method) noexcept {
    constexpr std::array<std::string_view, 6> kMethods = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"};
    return std::find(kMethods.begin(), kMethods.end(), method) != kMethods.end();
}

}  // namespace acp::client
