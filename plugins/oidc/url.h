// oidc: what of an address decides where a request goes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace acp::oidc {

/// A to Z as a to z.
std::string lowered(std::string_view text);

/// scheme://host[:port] in lower case and without a port that goes without saying, of an
/// absolute http or https URL in visible ASCII; nullopt for one with user information, a
/// fragment, a backslash or a malformed host or port. [any-thread]
std::optional<std::string> origin_of(std::string_view url);

/// Whether the origin is plain http on loopback, where nobody stands in between.
bool is_plain_loopback(std::string_view origin) noexcept;

/// Whether a browser that is sent there stays on this server: one "/" first, then visible
/// ASCII without a backslash, no empty segment, at most 2048 bytes. `path` has been decoded once.
bool is_local(std::string_view path) noexcept;

/// `url` with a query behind it, or behind the one it has.
std::string with_query(std::string url, std::string_view query);

}  // namespace acp::oidc
