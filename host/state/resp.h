// state: the protocol of Redis, RESP2 (https://redis.io/docs/reference/protocol-spec).
// Pure functions. Not Poco::Redis: its reader takes a connection that ends
// within a string for the string, padded with blanks, has no bound on lengths,
// and its client has neither TLS nor a deadline for a whole answer.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace acp::state::resp {

struct Reply {
    enum class Kind : std::uint8_t { text, error, number, bytes, list, null };
    Kind kind = Kind::null;
    std::string text;  ///< of text, error and bytes
    std::int64_t number = 0;
    std::vector<Reply> list;

    bool is_null() const noexcept { return kind == Kind::null; }
    bool is_error(std::string_view code) const noexcept { return kind == Kind::error && text.starts_with(code); }
};

/// A command as an array of bulk strings.
std::string command(std::initializer_list<std::string_view> words);
std::string command(const std::vector<std::string_view>& words);

enum class Progress : std::uint8_t { complete, incomplete, malformed };

/// Reads one reply from the start of `bytes`; `used` says how long it was.
/// Strings up to 1 MiB, lists up to 100,000 elements and three deep.
Progress parse(std::string_view bytes, Reply& reply, std::size_t& used);

}  // namespace acp::state::resp
