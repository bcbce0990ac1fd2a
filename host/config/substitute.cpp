#include "config/substitute.h"

#include <algorithm>

namespace acp::config {

namespace {

bool is_name(std::string_view name) {
    auto word = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    };
    return !name.empty() && std::all_of(name.begin(), name.end(), word) && (name.front() < '0' || name.front() > '9');
}

}  // namespace

tl::expected<std::string, std::string> substitute(std::string_view text, const Environment& environment) {
    std::string out;
    while (!text.empty()) {
        auto dollar = text.find('$');
        out += text.substr(0, dollar);
        if (dollar == std::string_view::npos) break;
        text.remove_prefix(dollar + 1);
        if (text.starts_with('$')) {
            out.push_back('$');
            text.remove_prefix(1);
            continue;
        }
        if (!text.starts_with('{'))
            return tl::unexpected<std::string>("a dollar sign alone; write $$ for a dollar or ${NAME} for a variable");
        auto close = text.find('}');
        if (close == std::string_view::npos) return tl::unexpected<std::string>("${ is not closed; write ${NAME}");
        std::string_view inside = text.substr(1, close - 1);
        text.remove_prefix(close + 1);

        auto separator = inside.find(":-");
        std::string name(inside.substr(0, separator));
        if (!is_name(name))
            return tl::unexpected<std::string>(
                "${...} does not hold the name of a variable; write ${NAME} or ${NAME:-default}");
        auto variable = environment.find(name);
        if (separator != std::string_view::npos) {
            bool is_set = variable != environment.end() && !variable->second.empty();
            out += is_set ? std::string_view(variable->second) : inside.substr(separator + 2);
        } else if (variable != environment.end()) {
            out += variable->second;
        } else {
            return tl::unexpected<std::string>("environment variable " + name + " is not set; set it, or write ${" +
                                               name + ":-default}");
        }
    }
    return out;
}

}  // namespace acp::config
