#include "app/presented_token.h"

#include <iostream>

#include "jose/compact.h"

namespace acp::app {

namespace {

constexpr const char* white_space = " \t\r\n";

}  // namespace

Result<std::string> presented_token(const std::string& argument) {
    std::string text = argument;
    if (argument == "-") {
        // Room for the line's end, and for one byte that makes it too long.
        text.resize(jose::kMaxTokenBytes + 16);
        std::cin.read(text.data(), static_cast<std::streamsize>(text.size()));
        text.resize(static_cast<std::size_t>(std::cin.gcount()));
    }
    const auto begin = text.find_first_not_of(white_space);
    if (begin == std::string::npos) return fail(Code::invalid, "no_token", "there is no token on standard input");
    return text.substr(begin, text.find_last_not_of(white_space) - begin + 1);
}

}  // namespace acp::app
