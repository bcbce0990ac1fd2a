#include "base/clock.h"

#include <ctime>

#include <array>
#include <cstdio>

namespace acp {

namespace {

std::int64_t now_ns(clockid_t clock) noexcept {
    timespec ts{};
    ::clock_gettime(clock, &ts);
    return static_cast<std::int64_t>(ts.tv_sec) * 1'000'000'000 + ts.tv_nsec;
}

bool digits(const std::string& s, std::size_t at, std::size_t count, int& out) {
    if (at + count > s.size()) return false;
    out = 0;
    for (std::size_t i = at; i < at + count; ++i) {
        if (s[i] < '0' || s[i] > '9') return false;
        out = out * 10 + (s[i] - '0');
    }
    return true;
}

}  // namespace

std::int64_t monotonic_ns() noexcept { return now_ns(CLOCK_MONOTONIC); }
std::int64_t unix_ns() noexcept { return now_ns(CLOCK_REALTIME); }

std::string rfc3339_ms(std::int64_t ms) {
    auto seconds = static_cast<std::time_t>(ms / 1000);
    auto millis = static_cast<int>(ms % 1000);
    if (millis < 0) {
        millis += 1000;
        --seconds;
    }
    std::tm tm{};
    ::gmtime_r(&seconds, &tm);
    std::array<char, 80> buffer{};
    int n = std::snprintf(buffer.data(), buffer.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
                          tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, millis);
    return {buffer.data(), static_cast<std::size_t>(n)};
}

bool parse_rfc3339(const std::string& s, std::int64_t& out) {
    std::tm tm{};
    int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
    if (!digits(s, 0, 4, year) || !digits(s, 5, 2, month) || !digits(s, 8, 2, day) || !digits(s, 11, 2, hour) ||
        !digits(s, 14, 2, minute) || !digits(s, 17, 2, second))
        return false;
    if (s[4] != '-' || s[7] != '-' || (s[10] != 'T' && s[10] != 't') || s[13] != ':' || s[16] != ':') return false;
    if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60) return false;
    std::size_t at = 19;
    std::int64_t fraction = 0;
    if (at < s.size() && s[at] == '.') {
        std::int64_t unit = 100'000'000;
        std::size_t count = 0;
        for (++at; at < s.size() && s[at] >= '0' && s[at] <= '9'; ++at, ++count) {
            if (count == 9) return false;
            fraction += unit * (s[at] - '0');
            unit /= 10;
        }
        if (count == 0) return false;
    }
    int offset = 0;
    if (at < s.size() && (s[at] == 'Z' || s[at] == 'z')) {
        if (at + 1 != s.size()) return false;
    } else {
        int oh = 0, om = 0;
        if (at + 6 != s.size() || (s[at] != '+' && s[at] != '-') || !digits(s, at + 1, 2, oh) || s[at + 3] != ':' ||
            !digits(s, at + 4, 2, om) || oh > 23 || om > 59)
            return false;
        offset = (oh * 60 + om) * 60 * (s[at] == '-' ? -1 : 1);
    }
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    tm.tm_mday = day;
    tm.tm_hour = hour;
    tm.tm_min = minute;
    tm.tm_sec = second;
    std::tm probe = tm;
    std::time_t seconds = ::timegm(&probe);
    // timegm normalises the 31st of a short month into the next: refuse that.
    if (probe.tm_mday != day || probe.tm_mon != month - 1) {
        if (second != 60) return false;
    }
    out = (static_cast<std::int64_t>(seconds) - offset) * 1'000'000'000 + fraction;
    return true;
}

}  // namespace acp
