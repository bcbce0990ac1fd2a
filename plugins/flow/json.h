// flow: JSON of configurations, clients and upstreams, read without surprises
// and without quoting what was read: it may hold secrets.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace acp::flow {

using Json = nlohmann::json;

/// Throws sdk::Failure, ACP_E_INVALID with `what` in its message, unless `text` is
/// one object without repeated members, at most 32 deep.
Json object_of(std::string_view text, std::string_view what);
/// The same for a text of which nothing is promised: null when it is no such object.
Json object_or_null(std::string_view text) noexcept;

/// The member, or what stands for one that is missing or of another type.
std::string text(const Json& object, const char* name);
std::int64_t integer(const Json& object, const char* name, std::int64_t fallback);
/// The strings of an array; others are left out.
std::vector<std::string> texts(const Json& object, const char* name);

/// Refuses a member of `object` that is not in `known`, as an ACP_E_INVALID that names it.
void only(const Json& object, std::initializer_list<std::string_view> known, std::string_view where);

}  // namespace acp::flow
