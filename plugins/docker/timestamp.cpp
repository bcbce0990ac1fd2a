#include "timestamp.h"

#include <array>
#include <ctime>

namespace acp::docker {

namespace {

constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:dd";

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

int number(std::string_view digits) noexcept {
    int value = 0;
    for (const char c : digits) value = value * 10 + (c - '0');
    return value;
}

}  // namespace

std::int64_t parse_timestamp(std::string_view text) noexcept {
    if (text.size() <= kShape.size()) return -1;
    for (std::size_t i = 0; i < kShape.size(); ++i)
        if (kShape[i] == 'd' ? !is_digit(text[i]) : text[i] != kShape[i]) return -1;
    std::tm tm{};
    tm.tm_year = number(text.substr(0, 4)) - 1900;
    tm.tm_mon = number(text.substr(5, 2)) - 1;
    tm.tm_mday = number(text.substr(8, 2));
    tm.tm_hour = number(text.substr(11, 2));
    tm.tm_min = number(text.substr(14, 2));
    tm.tm_sec = number(text.substr(17, 2));
    if (tm.tm_year < 70 || tm.tm_year > 300) return -1;  // beyond, nanoseconds leave 64 bits

    std::string_view rest = text.substr(kShape.size());
    std::int64_t fraction = 0;
    if (rest.front() == '.') {
        rest.remove_prefix(1);
        std::int64_t unit = 100'000'000;
        while (!rest.empty() && is_digit(rest.front()) && unit > 0) {
            fraction += unit * (rest.front() - '0');
            unit /= 10;
            rest.remove_prefix(1);
        }
    }
    std::int64_t offset = 0;
    if (rest.size() == 6 && (rest[0] == '+' || rest[0] == '-') && is_digit(rest[1]) && is_digit(rest[2]) &&
        rest[3] == ':' && is_digit(rest[4]) && is_digit(rest[5])) {
        offset = (number(rest.substr(1, 2)) * 60 + number(rest.substr(4, 2))) * (rest[0] == '-' ? -60 : 60);
    } else if (rest != "Z") {
        return -1;
    }
    return (static_cast<std::int64_t>(::timegm(&tm)) - offset) * 1'000'000'000 + fraction;
}

}  // namespace acp::docker
