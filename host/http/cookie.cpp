#include "http/cookie.h"

#include <algorithm>

namespace acp::http {

void CookieReader::read(std::string_view field) noexcept {
    while (!field.empty()) {
        const auto end = std::min(field.find(';'), field.size());
        std::string_view pair = field.substr(0, end);
        field.remove_prefix(std::min(end + 1, field.size()));
        while (!pair.empty() && (pair.front() == ' ' || pair.front() == '\t')) pair.remove_prefix(1);
        if (pair.size() <= name_.size() || !pair.starts_with(name_) || pair[name_.size()] != '=') continue;
        value_ = pair.substr(name_.size() + 1);
        while (!value_.empty() && (value_.back() == ' ' || value_.back() == '\t')) value_.remove_suffix(1);
        ++count_;
    }
}

std::string set_cookie(const CookieOptions& options, std::string_view value) {
    std::string out = options.name;
    out.append("=").append(value).append("; Path=/; HttpOnly; SameSite=Lax");
    if (options.secure) out += "; Secure";
    if (options.max_age_s >= 0) out += "; Max-Age=" + std::to_string(options.max_age_s);
    return out;
}

}  // namespace acp::http
