// wire/websocket: the opening handshake (RFC 6455 section 4; over HTTP/2 RFC
// 8441 section 5), as a judgement on header fields.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wire/websocket/extension.h"

namespace acp::wire::websocket {

/// Value of the field number `index` (from 0) among those of that name, given in
/// lower case; nullopt when there are not that many.
using FieldLookup = std::function<std::optional<std::string_view>(std::string_view lower, std::size_t index)>;

/// Names as HTTP/1.1 writes them (HTTP/2 needs them in lower case) and values.
using FieldList = std::vector<std::pair<std::string_view, std::string>>;

struct UpgradeRequest {
    std::string_view method;
    int major = 1;              ///< 2 for an extended CONNECT
    int minor = 1;              ///< of HTTP/1
    std::string_view protocol;  ///< :protocol, HTTP/2 only
    FieldLookup field;
};

struct UpgradeOptions {
    std::vector<std::string> subprotocols;  ///< what this server speaks, best first
    bool subprotocol_required = false;      ///< refuse a client that offers none of them
    std::optional<Deflate> deflate;         ///< what it would agree on; nullopt for no compression
};

/// The verdict, and what to answer with either way.
struct Upgrade {
    int status = 0;            ///< 101, or 200 over HTTP/2; else 400, 405 or 426
    std::string_view refusal;  ///< a stable word for metrics and problems, e.g. "bad_key"; empty when accepted
    std::string subprotocol;   ///< empty for none
    std::optional<Deflate> deflate;
    /// All fields of the handshake, Connection and Upgrade included for HTTP/1;
    /// with 405 and 426 those that say what would have been right.
    FieldList fields;
    bool accepted() const noexcept { return refusal.empty(); }
};

/// Judges a request that asks for WebSocket. The target, Host, Origin and who is
/// asking are the caller's to judge.
Upgrade check_upgrade(const UpgradeRequest& request, const UpgradeOptions& options);

/// Whether it is the canonical base64 (RFC 4648 section 4) of 16 bytes.
bool is_key(std::string_view key);
/// Sec-WebSocket-Accept for a key (RFC 6455 section 4.2.2).
std::string accept_value(std::string_view key);

/// Client: a fresh random key.
std::string make_key();

/// Client: the fields to ask with, but Host. `key` is empty over HTTP/2.
FieldList offer_fields(std::string_view key, const std::vector<std::string>& subprotocols,
                       const std::optional<Deflate>& deflate);

struct UpgradeAnswer {
    std::string_view refusal;  ///< why the connection must be failed; empty when it is open
    std::string subprotocol;
    std::optional<Deflate> deflate;
    bool accepted() const noexcept { return refusal.empty(); }
};
/// Client: judges the response to offer_fields() with the same arguments.
UpgradeAnswer check_answer(int status, const FieldLookup& field, std::string_view key,
                           const std::vector<std::string>& subprotocols, const std::optional<Deflate>& deflate);

}  // namespace acp::wire::websocket
