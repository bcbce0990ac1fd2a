// conformance: acp.host.http_client/1 with a function in place of the network.
//
//   FakeHost host;
//   FakeHttp http(host);                               // one at a time
//   http.answer([](const SentRequest& r) { return FakeReply{200, R"({"a":1})"}; });
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "alphaswarm-cp/conformance/fake_host.hpp"
#include "alphaswarm-cp/host/http_client.h"

namespace acp::conformance {

struct SentRequest {
    std::string method, url, body, ca_file;
    std::vector<std::pair<std::string, std::string>> fields;  ///< names as the plugin spells them
    /// Of an application/x-www-form-urlencoded body, decoded; empty when it is not there.
    std::string form(const std::string& name) const;
    std::string field(const std::string& lower_name) const;
};

struct FakeReply {
    int status = 200;
    std::string body;
    acp_status failure = ACP_OK;  ///< other than ACP_OK: no answer comes
    std::string content_type = "application/json";
};

class FakeHttp {
public:
    /// Adds itself to `host`, which must outlive it. Without `answer` nothing can be reached.
    explicit FakeHttp(FakeHost& host);
    ~FakeHttp();
    FakeHttp(const FakeHttp&) = delete;
    FakeHttp& operator=(const FakeHttp&) = delete;

    /// Runs on the thread of the plugin's call.
    void answer(std::function<FakeReply(const SentRequest&)> by);
    std::vector<SentRequest> sent() const;

private:
    static acp_status perform(const acp_call* call, const acp_http_call* request, const acp_http_reply* reply, acp_error* error);
    FakeHost& host_;
    mutable std::mutex mutex_;
    std::function<FakeReply(const SentRequest&)> by_;
    std::vector<SentRequest> sent_;
};

}  // namespace acp::conformance
