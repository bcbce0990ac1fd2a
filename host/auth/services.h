// auth: what the endpoints work with; owned by the composition root.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "auth/browser.h"
#include "auth/counters.h"
#include "auth/flow.h"
#include "auth/security_log.h"
#include "auth/settings.h"
#include "auth/trust.h"
#include "base/clock.h"
#include "identity/clients.h"
#include "identity/keyring.h"
#include "state/store.h"

namespace acp::auth {

/// Everything referred to outlives the endpoints.
struct Services {
    const Settings settings;
    const identity::Clients& clients;
    const identity::Keyring& keyring;
    state::Store& store;
    Trust& trust;
    SecurityLog& security;
    Counters& counters;
    /// The auth flows as they are now: a reload may have put others in their place. [any-thread]
    std::function<std::vector<Flow>()> flows;
    Browser* browser = nullptr;  ///< null: there are no browser sessions
    std::function<std::int64_t()> now_unix_s = [] { return unix_ns() / 1'000'000'000; };
};

/// An error in OAuth's words; one that asks for a nonce gives it (RFC 9449 section 8).
http::Response client_problem(const Services& services, const dispatch::Context& context, const Error& error);

}  // namespace acp::auth
