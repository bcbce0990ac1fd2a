// app: a person logs in to a server by another device (RFC 8628), as its client.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"

namespace acp::app {

struct DeviceLogin {
    std::string server;     ///< scheme://host[:port]
    std::string client_id;  ///< a public client of it
    std::string scope;      ///< words; empty: all that the client may have
    std::string ca_file;    ///< PEM; empty: the system's store
};

/// What the person is shown.
struct DevicePrompt {
    std::string verification_uri, verification_uri_complete, user_code;
    std::int64_t expires_in_s = 0;
};

struct LoginToken {
    std::string access_token;  ///< a secret
    std::string scope;
    std::int64_t expires_unix_s = 0;
};

struct DeviceSurroundings {
    std::function<void(const DevicePrompt&)> show;
    std::function<void(std::chrono::seconds)> sleep;
};

/// Finds the endpoints by discovery, shows the prompt, and polls until there is a decision.
/// Code::forbidden: the person said no. Code::deadline: nobody decided in time.
/// Code::unauthenticated: the server refuses the client or what it asks for.
Result<LoginToken> log_in_by_device(const DeviceLogin& login, const DeviceSurroundings& around);

}  // namespace acp::app
