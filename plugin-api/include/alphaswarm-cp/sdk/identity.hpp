// alphaswarm-cp plugin SDK: acp.host.identity/1 as C++ values.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "alphaswarm-cp/host/identity.h"
#include "alphaswarm-cp/sdk/host.hpp"

namespace acp::sdk {

/// As acp_token_check; views are borrowed for the call.
struct TokenCheck {
    std::string_view token, issuer, audience, jwks_url = {}, type = {}, nonce = {}, ca_file = {};
};

struct StateValue {
    std::string json;
    uint64_t version = 0;
};

/// The host's keys, token verification, state and audit, for the instance whose
/// host it is. Every member but `audit` throws Failure.
class HostIdentity {
public:
    /// Throws Failure when this host has none: it is no flow's.
    explicit HostIdentity(const Host& host) : host_(host.raw()), known_(whole(host.find<acp_host_identity>(ACP_IID_HOST_IDENTITY))) {
        if (!known_.verify || !known_.assertion || !known_.token_once || !known_.state_put || !known_.state_put_code ||
            !known_.state_read || !known_.state_replace || !known_.state_take || !known_.audit)
            throw Failure(ACP_E_UNSUPPORTED, "this host does not offer " ACP_IID_HOST_IDENTITY " to this instance");
    }

    /// The claims of a token that holds. ACP_E_DENIED: it does not.
    std::string verify(const Call& call, const TokenCheck& check) const {
        acp_token_check raw{};
        raw.struct_size = sizeof raw;
        raw.token = str(check.token);
        raw.issuer = str(check.issuer);
        raw.audience = str(check.audience);
        raw.jwks_url = str(check.jwks_url);
        raw.type = str(check.type);
        raw.nonce = str(check.nonce);
        raw.ca_file = str(check.ca_file);
        return one_text([&](const acp_text_sink* out, acp_error* error) {
            return known_.verify(host_, call.raw(), &raw, out, error);
        });
    }
    /// A JWT by which this server proves itself to an upstream; `key` empty: the server's own.
    std::string assertion(const Call& call, std::string_view key, std::string_view client_id, std::string_view audience,
                          uint32_t ttl_s = 0) const {
        const acp_assertion_request raw{sizeof(acp_assertion_request), ttl_s, str(key), str(client_id), str(audience)};
        return one_text([&](const acp_text_sink* out, acp_error* error) {
            return known_.assertion(host_, call.raw(), &raw, out, error);
        });
    }
    /// The cached token under `key`, or what `fetch` gives (it throws Failure). What a
    /// fetch of another caller threw arrives here with its status, message and details.
    std::string token_once(const Call& call, std::string_view key, int64_t least_left_s,
                           const std::function<std::string(const Call&)>& fetch) const {
        const auto run = [](void* ctx, const acp_call* raw, const acp_text_sink* out, acp_error* error) noexcept {
            return edge(error, [&] {
                const std::string got = (*static_cast<const std::function<std::string(const Call&)>*>(ctx))(Call(raw));
                const acp_text_sink sink = whole(out);
                if (sink.emit) sink.emit(sink.ctx, str(got));
            });
        };
        return one_text([&](const acp_text_sink* out, acp_error* error) {
            return known_.token_once(host_, call.raw(), str(key), least_left_s, run,
                                     const_cast<std::function<std::string(const Call&)>*>(&fetch), out, error);
        });
    }

    std::string state_put(const Call& call, std::string_view json, int64_t ttl_s) const {
        return one_text([&](const acp_text_sink* out, acp_error* error) {
            return known_.state_put(host_, call.raw(), str(json), ttl_s, out, error);
        });
    }
    std::string state_put_code(const Call& call, std::string_view json, int64_t ttl_s) const {
        return one_text([&](const acp_text_sink* out, acp_error* error) {
            return known_.state_put_code(host_, call.raw(), str(json), ttl_s, out, error);
        });
    }
    /// nullopt: unknown, taken or expired.
    std::optional<StateValue> state_read(const Call& call, std::string_view handle) const {
        StateValue value;
        return found([&] {
            value.json = one_text([&](const acp_text_sink* out, acp_error* error) {
                return known_.state_read(host_, call.raw(), str(handle), &value.version, out, error);
            });
            return value;
        });
    }
    /// False: it has been written, or taken, since `version` was read.
    bool state_replace(const Call& call, std::string_view handle, uint64_t version, std::string_view json) const {
        ErrorSlot error;
        const acp_status status =
            known_.state_replace(host_, call.raw(), str(handle), version, str(json), error.get());
        if (status == ACP_E_CONFLICT || status == ACP_E_NOT_FOUND) return false;
        check(status, error);
        return true;
    }
    /// Of several takers one gets it; nullopt for the others.
    std::optional<std::string> state_take(const Call& call, std::string_view handle) const {
        return found([&] {
            return one_text([&](const acp_text_sink* out, acp_error* error) {
                return known_.state_take(host_, call.raw(), str(handle), out, error);
            });
        });
    }

    void audit(const Call& call, std::string_view kind, std::string_view target, std::string_view outcome,
               std::string_view details_json = {}) const noexcept {
        try {
            known_.audit(host_, call.raw(), str(kind), str(target), str(outcome), str(details_json));
        } catch (...) {
        }
    }

private:
    static void check(acp_status status, const ErrorSlot& error) {
        if (status == ACP_OK) return;
        const std::string message = error.message();
        throw Failure(status, message.empty() ? "the host failed without a message" : message, error.retryable())
            .details(error.details_json());
    }
    template <typename Ask>
    static std::string one_text(Ask&& ask) {
        std::string text;
        const acp_text_sink sink{sizeof(acp_text_sink), 0, &text, [](void* ctx, acp_str given) {
                                     static_cast<std::string*>(ctx)->assign(view(given));
                                 }};
        ErrorSlot error;
        const acp_status status = ask(&sink, error.get());
        check(status, error);
        return text;
    }
    template <typename Ask>
    static auto found(Ask&& ask) -> std::optional<decltype(ask())> {
        try {
            return ask();
        } catch (const Failure& failure) {
            if (failure.status() == ACP_E_NOT_FOUND) return std::nullopt;
            throw;
        }
    }

    const acp_host* host_;
    acp_host_identity known_;
};

}  // namespace acp::sdk
