#include "state/redis_url.h"

#include <sys/un.h>

#include <charconv>
#include <optional>

#include "base/bytes.h"

namespace acp::state {

namespace {

tl::unexpected<Error> wrong(const char* what) {
    return fail(Code::invalid, "state_url", what);
}

std::optional<std::string> decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        auto byte = unhex(text.substr(i + 1, 2));
        if (!byte || byte->size() != 1 || (*byte)[0] == '\0') return std::nullopt;
        out += *byte;
        i += 2;
    }
    return out;
}

template <typename Number>
bool number(std::string_view text, Number& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc() && end == text.data() + text.size();
}

bool set_database(std::string_view text, RedisUrl& out) {
    return number(text, out.database) && out.database >= 0 && out.database <= 65535;
}

Result<void> read_user(std::string_view text, RedisUrl& out) {
    const auto colon = text.find(':');
    auto user = decoded(text.substr(0, colon));
    auto password = colon == std::string_view::npos ? std::optional<std::string>("") : decoded(text.substr(colon + 1));
    if (!user || !password) return wrong("a % in the user information is not followed by two hex digits");
    if (password->empty()) return wrong("the user information has no password; write :PASSWORD@ or USER:PASSWORD@");
    out.user = std::move(*user);
    out.password = std::move(*password);
    return {};
}

Result<void> read_query(std::string_view text, RedisUrl& out) {
    while (!text.empty()) {
        const auto end = text.find('&');
        const std::string_view pair = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        const auto equals = pair.find('=');
        auto value = decoded(equals == std::string_view::npos ? "" : pair.substr(equals + 1));
        if (!value || value->empty()) return wrong("a parameter has no value");
        const std::string_view name = pair.substr(0, equals);
        std::string* file = name == "ca" ? &out.ca : name == "cert" ? &out.certificate : name == "key" ? &out.key : nullptr;
        if (file && out.is_tls)
            *file = std::move(*value);
        else if (name != "db" || !set_database(*value, out))
            return wrong("a parameter is unknown here or has a wrong value; db=NUMBER, and with rediss ca, cert and key are known");
    }
    if (out.certificate.empty() != out.key.empty()) return wrong("cert and key go together");
    return {};
}

Result<void> read_host(std::string_view text, RedisUrl& out) {
    std::string_view port;
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        if (end == std::string_view::npos) return wrong("an IPv6 address has no closing bracket");
        out.host = text.substr(1, end - 1);
        port = text.substr(end + 1);
        if (!port.empty() && port.front() != ':') return wrong("something other than a port follows the address");
        if (!port.empty()) port.remove_prefix(1);
        if (port.empty() && text.size() > end + 1) return wrong("the port is empty");
    } else {
        const auto colon = text.find(':');
        out.host = text.substr(0, colon);
        if (colon != std::string_view::npos) {
            port = text.substr(colon + 1);
            if (port.empty()) return wrong("the port is empty");
        }
    }
    if (out.host.empty()) return wrong("there is no host");
    if (!port.empty() && (!number(port, out.port) || out.port == 0)) return wrong("the port is no number from 1 to 65535");
    return {};
}

}  // namespace

std::string RedisUrl::place() const {
    if (!socket.empty()) return socket;
    return (host.find(':') != std::string::npos ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<RedisUrl> parse_redis_url(std::string_view text) {
    RedisUrl out;
    const auto scheme = text.substr(0, text.find("://"));
    const bool is_unix = scheme == "unix";
    out.is_tls = scheme == "rediss";
    if (text.size() == scheme.size() || (!is_unix && !out.is_tls && scheme != "redis"))
        return wrong("it must begin with redis://, rediss:// or unix://");
    for (char c : text)
        if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f)
            return wrong("it has white space, controls or bytes beyond ASCII; percent-encode them");
    text.remove_prefix(scheme.size() + 3);
    if (text.find('#') != std::string_view::npos) return wrong("it has a #; percent-encode it as %23");
    const auto question = text.find('?');
    const std::string_view query = question == std::string_view::npos ? "" : text.substr(question + 1);
    text = text.substr(0, question);
    const auto slash = text.find('/');
    std::string_view authority = text.substr(0, slash);
    const std::string_view path = slash == std::string_view::npos ? "" : text.substr(slash);
    if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
        if (auto read = read_user(authority.substr(0, at), out); !read) return fail(read.error());
        authority.remove_prefix(at + 1);
    }
    if (is_unix) {
        auto socket = decoded(path);
        if (!authority.empty() || !socket || socket->size() < 2) return wrong("unix:// is followed by the absolute path of a socket");
        if (socket->size() >= sizeof(sockaddr_un::sun_path)) return wrong("the path of the socket is too long");
        out.socket = std::move(*socket);
    } else {
        if (auto read = read_host(authority, out); !read) return fail(read.error());
        if (path.size() > 1 && !set_database(path.substr(1), out)) return wrong("the path is no number of a database");
    }
    if (auto read = read_query(query, out); !read) return fail(read.error());
    return out;
}

}  // namespace acp::state
