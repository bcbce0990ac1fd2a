// state: what Redis does in one step. A script runs alone, so nothing happens
// between its reads and its writes. Times are the server's.
#pragma once

#include <string>
#include <string_view>

namespace acp::state::redis {

/// Sent by its SHA-1, and in full to a server that does not know it yet.
struct Script {
    explicit Script(std::string_view source);
    const std::string source;
    const std::string digest;  ///< SHA-1 in hex, as EVALSHA wants
};

/// An entry is a string: version, expiry in Unix milliseconds, sealed value, with
/// a blank between. Redis itself drops it at its expiry.
/// KEYS: the entry. ARGV: sealed, ttl in ms, condition (any, absent, version), the
/// version. The new version, or null when the condition does not hold.
inline constexpr std::string_view kPut = R"(
local time = redis.call('TIME')
local us = time[1] * 1000000 + time[2]
local held = string.match(redis.call('GETRANGE', KEYS[1], 0, 20), '^%d+')
if (ARGV[3] == 'absent' and held) or (ARGV[3] == 'version' and held ~= ARGV[4]) then return false end
if held and us <= tonumber(held) then us = tonumber(held) + 1 end
local version = string.format('%.0f', us)
local expires = string.format('%.0f', math.floor((time[1] * 1000000 + time[2]) / 1000) + ARGV[2])
redis.call('SET', KEYS[1], version .. ' ' .. expires .. ' ' .. ARGV[1], 'PX', ARGV[2])
return version
)";

/// KEYS: the counter. ARGV: ttl in ms.
inline constexpr std::string_view kCount = R"(
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return count
)";

/// An owner has a sorted set of its members' names by expiry and a hash of what is
/// sealed. Both live as long as the member that lives longest.
/// KEYS: set, hash. ARGV: member's name, sealed, ttl in ms.
inline constexpr std::string_view kRemember = R"(
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local gone = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 1000)
if #gone > 0 then
  redis.call('ZREM', KEYS[1], unpack(gone))
  redis.call('HDEL', KEYS[2], unpack(gone))
end
redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[3]), ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
redis.call('PEXPIREAT', KEYS[1], last)
redis.call('PEXPIREAT', KEYS[2], last)
return 1
)";

/// KEYS: set, hash. Name and sealed of each member in turn.
inline constexpr std::string_view kMembers = R"(
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local out = {}
for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. string.format('%.0f', now), '+inf')) do
  local sealed = redis.call('HGET', KEYS[2], name)
  if sealed then
    out[#out + 1] = name
    out[#out + 1] = sealed
  end
end
return out
)";

/// KEYS: set, hash. ARGV: member's name.
inline constexpr std::string_view kForget = R"(
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
return 1
)";

/// Fences come from one counter for all locks, which never expires: so they grow
/// for each name without a trace of every name. KEYS: lock, counter. ARGV: ttl in ms.
inline constexpr std::string_view kLock = R"(
if redis.call('EXISTS', KEYS[1]) == 1 then return false end
local time = redis.call('TIME')
local fence = time[1] * 1000000 + time[2]
local last = tonumber(redis.call('GET', KEYS[2]) or '0')
if fence <= last then fence = last + 1 end
fence = string.format('%.0f', fence)
redis.call('SET', KEYS[2], fence)
redis.call('SET', KEYS[1], fence, 'PX', ARGV[1])
return fence
)";

/// KEYS: lock. ARGV: fence.
inline constexpr std::string_view kUnlock = R"(
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
)";

}  // namespace acp::state::redis
