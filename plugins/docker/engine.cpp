#include "engine.h"

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace acp::docker {

namespace {

using sdk::Failure;

constexpr int kApiMajor = 1;
constexpr int kApiMinorMax = 43;
constexpr int kApiMinorMin = 24;
constexpr std::size_t kErrorBodyMax = 64 * 1024;

/// {major, minor}, or {-1, -1}.
std::pair<int, int> parse_api(std::string_view text) noexcept {
    int major = -1;
    int minor = -1;
    const char* const end = text.data() + text.size();
    const auto first = std::from_chars(text.data(), end, major);
    if (first.ec != std::errc() || first.ptr == end || *first.ptr != '.') return {-1, -1};
    const auto second = std::from_chars(first.ptr + 1, end, minor);
    if (second.ec != std::errc() || second.ptr != end) return {-1, -1};
    return {major, minor};
}

std::string engine_message(const std::string& body, int status) {
    try {
        const std::string message = json::text(json::parse_object(body), "message");
        if (!message.empty()) return message;
    } catch (const std::invalid_argument&) {
        // No JSON: a proxy in between, most likely.
    }
    return "status " + std::to_string(status) + " without a message";
}

acp_status meaning_of(int status) noexcept {
    switch (status) {
        case 400:
            return ACP_E_INVALID;
        case 401:
        case 403:
            return ACP_E_DENIED;
        case 404:
            return ACP_E_NOT_FOUND;
        case 409:
            return ACP_E_CONFLICT;
        case 503:
            return ACP_E_UNAVAILABLE;
        default:
            return ACP_E_PROVIDER;
    }
}

template <typename Parse>
auto parse_reply(const std::string& body, const std::string& place, Parse parse) {
    try {
        return parse(body);
    } catch (const std::invalid_argument& e) {
        throw Failure(ACP_E_PROVIDER,
                      "the answer of the Docker Engine at " + place + " is not understood: " + e.what());
    }
}

}  // namespace

std::string escape(std::string_view text, std::string_view also) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                           c == '.' || c == '_' || c == '~' || also.find(c) != std::string_view::npos;
        if (plain) {
            out.push_back(c);
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out.append({'%', kHex[byte >> 4], kHex[byte & 15]});
        }
    }
    return out;
}

bool api_at_least(std::string_view api, int major, int minor) noexcept {
    return parse_api(api) >= std::pair(major, minor);
}

std::string choose_api(const EngineVersion& version, const std::string& place) {
    if (!api_at_least(version.api, kApiMajor, kApiMinorMin))
        throw Failure(ACP_E_PROVIDER, "the Docker Engine at " + place + " speaks API " + version.api +
                                          ", this provider needs 1.24 or newer: update the Engine");
    const auto newest = std::min(parse_api(version.api), std::pair(kApiMajor, kApiMinorMax));
    // An Engine that has dropped our newest version gets its own oldest one.
    const auto chosen = std::max(newest, parse_api(version.min_api));
    return std::to_string(chosen.first) + "." + std::to_string(chosen.second);
}

sdk::HttpReply Engine::send(const sdk::Call& call, const sdk::HttpRequest& request,
                            const sdk::HttpHandlers* handlers) const {
    try {
        if (settings_.tls == sdk::HttpTls{}) return host_.http(call, request, handlers);
        sdk::HttpRequest secured = request;
        secured.tls = settings_.tls;
        return host_.http(call, secured, handlers);
    } catch (const Failure& f) {
        if (f.status() != ACP_E_UNAVAILABLE) throw;
        throw Failure(ACP_E_UNAVAILABLE,
                      "the Docker Engine at " + settings_.place + " cannot be reached (" + f.message() +
                          "): start dockerd, or set `socket` or `endpoint` of provider " + settings_.alias,
                      f.retryable());
    }
}

EngineVersion Engine::version(const sdk::Call& call) const {
    sdk::HttpRequest request;
    request.url = settings_.base_url + "/version";
    const sdk::HttpReply reply = send(call, request, nullptr);
    if (reply.status != 200) throw Failure(meaning_of(reply.status), engine_message(reply.body, reply.status));
    const json::Object::Ptr body = parse_reply(reply.body, settings_.place, json::parse_object);
    return {json::text(body, "Version"), json::text(body, "ApiVersion"), json::text(body, "MinAPIVersion")};
}

std::string Engine::api(const sdk::Call& call) {
    {
        const std::lock_guard lock(mutex_);
        if (!api_.empty()) return api_;
    }
    // Outside of the lock: an Engine that hangs must not hang every caller.
    const std::string chosen = choose_api(version(call), settings_.place);
    const std::lock_guard lock(mutex_);
    api_ = chosen;
    return chosen;
}

sdk::HttpReply Engine::ask(const sdk::Call& call, const Ask& ask) {
    sdk::HttpRequest request;
    request.method = ask.method;
    request.url = settings_.base_url + "/v" + api(call) + ask.path;
    request.body = ask.body;
    request.idle_timeout_ms = ask.idle_timeout_ms;
    request.max_body_bytes = ask.max_body_bytes;
    request.upgrade = ask.upgrade;
    if (!ask.body.empty()) request.fields.emplace_back("Content-Type", ask.content_type);
    if (ask.upgrade) request.fields.emplace_back("Upgrade", "tcp");

    int status = 0;
    std::string body;
    sdk::HttpHandlers handlers;
    handlers.on_head = [&](const sdk::HttpReply& head) {
        status = head.status;
        return true;
    };
    handlers.on_body = [&](std::string_view bytes) {
        if (status < 300 && ask.on_body) return ask.on_body(bytes);
        // The rest of an endless error page is read over.
        if (status >= 300 && body.size() + bytes.size() > kErrorBodyMax) return true;
        body.append(bytes);
        return true;
    };
    if (ask.upgrade) handlers.on_pull = ask.on_pull;

    sdk::HttpReply reply;
    try {
        reply = send(call, request, &handlers);
    } catch (const Failure& f) {
        if (f.status() == ACP_E_UNAVAILABLE) {
            // Perhaps another Engine comes up in its place.
            const std::lock_guard lock(mutex_);
            api_.clear();
        }
        throw;
    }
    reply.body = std::move(body);
    if (reply.status >= 300 && std::find(ask.accept.begin(), ask.accept.end(), reply.status) == ask.accept.end())
        throw Failure(meaning_of(reply.status), "Docker Engine: " + engine_message(reply.body, reply.status));
    return reply;
}

json::Object::Ptr Engine::get_object(const sdk::Call& call, const std::string& path) {
    Ask request;
    request.path = path;
    return parse_reply(ask(call, request).body, settings_.place, json::parse_object);
}

json::Array::Ptr Engine::get_array(const sdk::Call& call, const std::string& path) {
    Ask request;
    request.path = path;
    return parse_reply(ask(call, request).body, settings_.place, json::parse_array);
}

}  // namespace acp::docker
