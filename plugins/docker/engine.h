// docker: the Engine API over the host's HTTP client. Negotiates the version
// once, and turns the Engine's errors into failures by their meaning.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "alphaswarm-cp/sdk/host.hpp"
#include "json.h"
#include "settings.h"

namespace acp::docker {

struct EngineVersion {
    std::string engine;   ///< e.g. "20.10.24"
    std::string api;      ///< the newest it speaks
    std::string min_api;  ///< the oldest it speaks, or empty
};

/// Percent-encodes all but unreserved characters and those of `also`.
std::string escape(std::string_view text, std::string_view also = {});

/// "1.41" >= 1.24 and the like; false for what is no version.
bool api_at_least(std::string_view api, int major, int minor) noexcept;
/// The version to speak with an Engine: the newest that both know. Throws
/// Failure when there is none.
std::string choose_api(const EngineVersion& version, const std::string& place);

struct Ask {
    std::string method = "GET";
    std::string path;  ///< below /v<api>, query included
    std::string body;
    std::string content_type = "application/json";
    std::int64_t idle_timeout_ms = 60'000;  ///< -1: none
    std::uint64_t max_body_bytes = 0;       ///< 0: the client's own bound
    bool upgrade = false;                   ///< the raw pipe of attach and exec
    std::vector<int> accept = {};           ///< statuses from 300 that are no failure
    /// Streams the body of a success, and feeds the pipe.
    std::function<bool(std::string_view)> on_body;
    std::function<int(std::string_view&)> on_pull;
};

class Engine {
public:
    Engine(sdk::Host host, Settings settings) : host_(std::move(host)), settings_(std::move(settings)) {}

    /// GET /version, not remembered.
    EngineVersion version(const sdk::Call& call) const;
    /// The version in use, negotiated at the first need.
    std::string api(const sdk::Call& call);

    /// Failures: ACP_E_UNAVAILABLE names the address and the remedy;
    /// ACP_E_NOT_FOUND, ACP_E_CONFLICT, ACP_E_INVALID, ACP_E_DENIED and
    /// ACP_E_PROVIDER carry the Engine's message.
    sdk::HttpReply ask(const sdk::Call& call, const Ask& ask);
    json::Object::Ptr get_object(const sdk::Call& call, const std::string& path);
    json::Array::Ptr get_array(const sdk::Call& call, const std::string& path);

    const Settings& settings() const noexcept { return settings_; }
    const sdk::Host& host() const noexcept { return host_; }

private:
    sdk::HttpReply send(const sdk::Call& call, const sdk::HttpRequest& request,
                        const sdk::HttpHandlers* handlers) const;
    sdk::Host host_;
    Settings settings_;
    std::mutex mutex_;
    std::string api_;  ///< empty: not negotiated
};

}  // namespace acp::docker
