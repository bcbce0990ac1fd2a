// One request through acp.host.http_client/1, as a plugin makes it.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "alphaswarm-cp/sdk/error.hpp"
#include "client/abi.h"

namespace acp::test {

struct Caller {
    std::string url, method = "GET", body;
    std::vector<std::pair<std::string, std::string>> fields;
    bool upgrade = false;
    std::string ca_file, certificate_file, key_file, spiffe_id;
    std::int64_t idle_timeout_ms = 0, deadline_mono_ns = 0;
    std::uint64_t max_body_bytes = 0;
    std::function<bool()> cancelled;
    std::function<int(std::string_view)> on_body;
    std::function<int(std::string_view& out)> on_pull;

    int status = 0;
    std::map<std::string, std::string> reply_fields;
    std::string reply, message;
    bool retryable = false;

    acp_status run() {
        std::vector<acp_pair> pairs;
        for (const auto& [name, value] : fields) pairs.push_back({sdk::str(name), sdk::str(value)});
        acp_http_call request{};
        request.struct_size = sizeof request;
        request.upgrade = upgrade ? 1 : 0;
        request.url = sdk::str(url);
        request.method = sdk::str(method);
        request.fields = pairs.data();
        request.fields_count = pairs.size();
        request.body = sdk::bytes(body);
        request.idle_timeout_ms = idle_timeout_ms;
        request.max_body_bytes = max_body_bytes;

        acp_http_tls tls{};
        tls.struct_size = sizeof tls;
        tls.ca_file = sdk::str(ca_file);
        tls.certificate_file = sdk::str(certificate_file);
        tls.key_file = sdk::str(key_file);
        tls.spiffe_id = sdk::str(spiffe_id);
        request.tls = &tls;

        acp_http_reply handlers{};
        handlers.struct_size = sizeof handlers;
        handlers.ctx = this;
        handlers.on_head = [](void* ctx, int32_t code, const acp_pair* list, size_t count) -> int32_t {
            auto& self = *static_cast<Caller*>(ctx);
            self.status = code;
            for (size_t i = 0; i < count; ++i) self.reply_fields[sdk::text(list[i].name)] = sdk::text(list[i].value);
            return 0;
        };
        handlers.on_body = [](void* ctx, acp_bytes bytes) -> int32_t {
            auto& self = *static_cast<Caller*>(ctx);
            const std::string_view text(reinterpret_cast<const char*>(bytes.ptr), bytes.len);
            self.reply.append(text);
            return self.on_body ? self.on_body(text) : 0;
        };
        if (on_pull)
            handlers.on_pull = [](void* ctx, acp_bytes* out) -> int32_t {
                std::string_view text;
                const int answer = static_cast<Caller*>(ctx)->on_pull(text);
                *out = sdk::bytes(text);
                return answer;
            };

        acp_call call{};
        call.struct_size = sizeof call;
        call.ctx = this;
        call.deadline_mono_ns = deadline_mono_ns;
        call.cancelled = [](const acp_call* raw) -> int32_t {
            auto& self = *static_cast<Caller*>(raw->ctx);
            return self.cancelled && self.cancelled() ? 1 : 0;
        };
        sdk::ErrorSlot error;
        const acp_status result = client::http_client_table()->perform(&call, &request, &handlers, error.get());
        message = error.message();
        retryable = error.retryable();
        return result;
    }
};

}  // namespace acp::test
