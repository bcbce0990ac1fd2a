// state: where a Redis is and as whom it is spoken to.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace acp::state {

/// Read from `redis[s]://[[user]:password@]host[:port][/database]` or
/// `unix://[[user]:password@]/socket/path[?db=N]`; user, password and path are
/// percent-decoded. rediss takes ?ca=FILE, ?cert=FILE and &key=FILE (PEM): whom it
/// trusts instead of the system's authorities, and as whom it comes.
struct RedisUrl {
    bool is_tls = false;
    std::string socket;  ///< path of a Unix socket; else host and port count
    std::string host;
    std::uint16_t port = 6379;
    std::string user, password;  ///< secrets; wiped by the owner
    int database = 0;
    std::string ca, certificate, key;

    /// What may be shown: no user, no password.
    std::string place() const;
};

/// The error quotes nothing of the text.
Result<RedisUrl> parse_redis_url(std::string_view text);

}  // namespace acp::state
