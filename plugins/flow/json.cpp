#include "flow/json.h"

#include <algorithm>
#include <set>

#include "alphaswarm-cp/sdk/error.hpp"

namespace acp::flow {

namespace {

constexpr int kDepthMax = 32;

}  // namespace

Json object_or_null(std::string_view text) noexcept {
    try {
        bool sound = true;
        std::vector<std::set<std::string>> open;
        const auto judge = [&](int depth, Json::parse_event_t event, Json& parsed) {
            using Event = Json::parse_event_t;
            if (depth > kDepthMax) return sound = false;
            if (event == Event::object_start) open.emplace_back();
            if (event == Event::key) sound = open.back().insert(parsed.get<std::string>()).second && sound;
            if (event == Event::object_end) open.pop_back();
            return true;
        };
        Json parsed = Json::parse(text, judge, false);
        return sound && parsed.is_object() ? parsed : Json();
    } catch (...) {
        return {};
    }
}

Json object_of(std::string_view text, std::string_view what) {
    Json parsed = object_or_null(text);
    if (!parsed.is_object()) throw sdk::Failure(ACP_E_INVALID, std::string(what) + " is no JSON object");
    return parsed;
}

std::string text(const Json& object, const char* name) {
    const auto at = object.find(name);
    return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

std::int64_t integer(const Json& object, const char* name, std::int64_t fallback) {
    const auto at = object.find(name);
    return at != object.end() && at->is_number_integer() ? at->get<std::int64_t>() : fallback;
}

std::vector<std::string> texts(const Json& object, const char* name) {
    std::vector<std::string> out;
    const auto at = object.find(name);
    if (at == object.end() || !at->is_array()) return out;
    for (const Json& one : *at)
        if (one.is_string()) out.push_back(one.get<std::string>());
    return out;
}

void only(const Json& object, std::initializer_list<std::string_view> known, std::string_view where) {
    for (const auto& [name, value] : object.items())
        if (std::find(known.begin(), known.end(), name) == known.end())
            throw sdk::Failure(ACP_E_INVALID, std::string(where) + " has no setting " + sdk::clip(name, 64));
}

}  // namespace acp::flow
