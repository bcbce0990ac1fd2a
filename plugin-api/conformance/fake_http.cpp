#include "alphaswarm-cp/conformance/fake_http.hpp"

#include <algorithm>
#include <atomic>
#include <cctype>
#include <stdexcept>

#include "alphaswarm-cp/sdk/error.hpp"
#include "alphaswarm-cp/sdk/sized.hpp"

namespace acp::conformance {

namespace {

std::atomic<FakeHttp*> current{nullptr};

std::string decoded(std::string_view text) {
    const auto digit = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) ? c - '0' : (c | 0x20) - 'a' + 10; };
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size()) {
            out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
            i += 2;
        } else {
            out += text[i] == '+' ? ' ' : text[i];
        }
    }
    return out;
}

}  // namespace

std::string SentRequest::form(const std::string& name) const {
    for (std::size_t at = 0; at < body.size();) {
        const auto end = std::min(body.find('&', at), body.size());
        const std::string_view pair = std::string_view(body).substr(at, end - at);
        const auto equals = std::min(pair.find('='), pair.size());
        if (decoded(pair.substr(0, equals)) == name) return decoded(pair.substr(std::min(equals + 1, pair.size())));
        at = end + 1;
    }
    return {};
}

std::string SentRequest::field(const std::string& lower_name) const {
    for (const auto& [name, value] : fields) {
        std::string lower = name;
        for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        if (lower == lower_name) return value;
    }
    return {};
}

FakeHttp::FakeHttp(FakeHost& host) : host_(host) {
    FakeHttp* none = nullptr;
    if (!current.compare_exchange_strong(none, this)) throw std::logic_error("there is a FakeHttp already");
    static const acp_host_http_client table = {sizeof table, 0, &perform};
    host_.add(ACP_IID_HOST_HTTP_CLIENT, &table);
}

FakeHttp::~FakeHttp() {
    host_.add(ACP_IID_HOST_HTTP_CLIENT, nullptr);
    current = nullptr;
}

void FakeHttp::answer(std::function<FakeReply(const SentRequest&)> by) {
    const std::lock_guard lock(mutex_);
    by_ = std::move(by);
}

std::vector<SentRequest> FakeHttp::sent() const {
    const std::lock_guard lock(mutex_);
    return sent_;
}

acp_status FakeHttp::perform(const acp_call*, const acp_http_call* given, const acp_http_reply* given_reply, acp_error* error) {
    return sdk::edge(error, [&] {
        FakeHttp* self = current;
        const acp_http_call raw = sdk::whole(given);
        const acp_http_reply reply = sdk::whole(given_reply);
        SentRequest request{sdk::text(raw.method), sdk::text(raw.url), std::string(reinterpret_cast<const char*>(raw.body.ptr), raw.body.len),
                            raw.tls ? sdk::text(sdk::whole(raw.tls).ca_file) : std::string(), {}};
        for (std::size_t i = 0; i < raw.fields_count; ++i)
            request.fields.emplace_back(sdk::text(raw.fields[i].name), sdk::text(raw.fields[i].value));
        std::function<FakeReply(const SentRequest&)> by;
        if (self) {
            const std::lock_guard lock(self->mutex_);
            self->sent_.push_back(request);
            by = self->by_;
        }
        if (!by) throw sdk::Failure(ACP_E_UNAVAILABLE, "nothing can be reached", true);
        const FakeReply answer = by(request);
        if (answer.failure != ACP_OK) throw sdk::Failure(answer.failure, "the request fails, as the test wants it", true);
        const acp_pair type = {ACP_STR_LITERAL("content-type"), sdk::str(answer.content_type)};
        if (reply.on_head && reply.on_head(reply.ctx, answer.status, &type, 1) != 0) throw sdk::Failure(ACP_E_CANCELLED, "stopped");
        if (raw.max_body_bytes != 0 && answer.body.size() > raw.max_body_bytes)
            throw sdk::Failure(ACP_E_EXHAUSTED, "the answer is longer than it may be");
        if (reply.on_body && reply.on_body(reply.ctx, sdk::bytes(answer.body)) != 0) throw sdk::Failure(ACP_E_CANCELLED, "stopped");
    });
}

}  // namespace acp::conformance
