// http: cookies (RFC 6265).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace acp::http {

/// What the request's Cookie fields say of one name.
class CookieReader {
public:
    explicit CookieReader(std::string_view name) noexcept : name_(name) {}
    /// One Cookie field's value.
    void read(std::string_view field) noexcept;
    /// Empty: there is none.
    std::string_view value() const noexcept { return value_; }
    /// A name that is there twice is nobody's: a neighbour has planted one of them.
    bool is_ambiguous() const noexcept { return count_ > 1; }

private:
    std::string_view name_, value_;
    int count_ = 0;
};

/// For this host alone and every path of it, out of reach of scripts, and sent along
/// with a link from elsewhere but not with a foreign form (SameSite=Lax).
struct CookieOptions {
    std::string name;
    bool secure = true;            ///< false on plain HTTP only; a name that begins with __Host- needs it
    std::int64_t max_age_s = -1;   ///< -1: until the browser ends; 0: remove it
};
/// The value of a Set-Cookie field. `value` is base64url.
std::string set_cookie(const CookieOptions& options, std::string_view value);

}  // namespace acp::http
