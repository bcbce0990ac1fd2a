#include "wire/websocket/handshake.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/bytes.h"
#include "wire/http1/parse.h"

namespace acp::wire::websocket {

namespace {

constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 section 1.3
constexpr std::string_view kVersion = "13";
constexpr std::size_t kNonceSize = 16;
constexpr std::size_t kKeySize = 24;  // base64 of the nonce

std::string base64(const unsigned char* bytes, std::size_t size) {
    std::string out(4 * ((size + 2) / 3) + 1, '\0');  // OpenSSL ends it with NUL
    const int written = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes, static_cast<int>(size));
    out.resize(static_cast<std::size_t>(written));
    return out;
}

std::vector<std::string_view> all_of(const FieldLookup& field, std::string_view lower) {
    std::vector<std::string_view> out;
    while (const auto value = field(lower, out.size())) out.push_back(*value);
    return out;
}

/// The value of a field that is there exactly once.
std::optional<std::string_view> only(const FieldLookup& field, std::string_view lower) {
    const auto value = field(lower, 0);
    return value && !field(lower, 1) ? value : std::nullopt;
}

/// Whether a list over all fields of that name has the element, ignoring case.
bool any_has(const FieldLookup& field, std::string_view lower, std::string_view element) {
    const auto values = all_of(field, lower);
    return std::any_of(values.begin(), values.end(), [&](auto value) { return http1::list_has(value, element); });
}

std::string_view trim(std::string_view text) noexcept {
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    return text.substr(0, text.find_last_not_of(" \t") + 1);
}

/// Reads the client's subprotocols (RFC 6455 section 4.1, item 10); false when
/// one is no token.
bool read_subprotocols(const FieldLookup& field, std::vector<std::string_view>& out) {
    for (std::string_view list : all_of(field, "sec-websocket-protocol")) {
        for (;;) {
            const std::size_t comma = list.find(',');
            const std::string_view name = trim(list.substr(0, comma));
            if (!name.empty()) out.push_back(name);
            if (!name.empty() && !http1::is_token(name)) return false;
            if (comma == std::string_view::npos) break;
            list.remove_prefix(comma + 1);
        }
    }
    return true;
}

Upgrade refuse(int status, std::string_view why, FieldList fields = {}) {
    Upgrade out;
    out.status = status;
    out.refusal = why;
    out.fields = std::move(fields);
    return out;
}

/// What only HTTP/1.1 has: the switch of protocols. No refusal when it is right.
std::optional<Upgrade> refuse_http1(const UpgradeRequest& request) {
    if (request.method != "GET") return refuse(405, "bad_method", {{"Allow", "GET"}});
    if (request.major != 1 || request.minor < 1) return refuse(400, "bad_http_version");
    // RFC 9110 section 15.5.22: 426 names the protocol.
    if (!any_has(request.field, "upgrade", "websocket"))
        return refuse(426, "no_upgrade", {{"Connection", "Upgrade"}, {"Upgrade", "websocket"}});
    if (!any_has(request.field, "connection", "upgrade")) return refuse(400, "bad_connection");
    // Content would be read as frames, or frames as content.
    const auto length = request.field("content-length", 0);
    if (request.field("transfer-encoding", 0) || (length && *length != "0")) return refuse(400, "unexpected_content");
    return std::nullopt;
}

std::optional<Upgrade> refuse_http2(const UpgradeRequest& request) {
    if (request.method != "CONNECT" || !http1::equals_ci(request.protocol, "websocket"))
        return refuse(400, "no_upgrade");
    return std::nullopt;
}

}  // namespace

bool is_key(std::string_view key) {
    if (key.size() != kKeySize || !key.ends_with("==")) return false;
    std::array<unsigned char, 3 * kKeySize / 4> bytes{};
    const auto* text = reinterpret_cast<const unsigned char*>(key.data());
    if (EVP_DecodeBlock(bytes.data(), text, static_cast<int>(key.size())) != static_cast<int>(bytes.size()))
        return false;
    // Encoded again it must be the same: OpenSSL forgives white space and
    // trailing bits that are not zero.
    return base64(bytes.data(), kNonceSize) == key;
}

std::string accept_value(std::string_view key) {
    const std::string text = std::string(key).append(kGuid);
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr) != 1) std::abort();
    return base64(digest.data(), size);
}

std::string make_key() {
    std::array<unsigned char, kNonceSize> nonce{};
    random_bytes(nonce.data(), nonce.size());
    return base64(nonce.data(), nonce.size());
}

Upgrade check_upgrade(const UpgradeRequest& request, const UpgradeOptions& options) {
    const bool http1 = request.major < 2;
    if (auto refused = http1 ? refuse_http1(request) : refuse_http2(request)) return std::move(*refused);
    if (only(request.field, "sec-websocket-version") != kVersion) {
        // 426 needs Upgrade, which HTTP/2 does not have.
        if (!http1) return refuse(400, "bad_version", {{"Sec-WebSocket-Version", std::string(kVersion)}});
        return refuse(
            426, "bad_version",
            {{"Connection", "Upgrade"}, {"Upgrade", "websocket"}, {"Sec-WebSocket-Version", std::string(kVersion)}});
    }
    std::optional<std::string_view> key;
    if (http1) {
        key = only(request.field, "sec-websocket-key");
        if (!key || !is_key(*key)) return refuse(400, "bad_key");
    }

    std::vector<std::string_view> offered;
    if (!read_subprotocols(request.field, offered)) return refuse(400, "bad_subprotocol");
    Upgrade out;
    for (const std::string& name : options.subprotocols) {
        if (std::find(offered.begin(), offered.end(), name) == offered.end()) continue;
        out.subprotocol = name;
        break;
    }
    if (out.subprotocol.empty() && options.subprotocol_required) return refuse(400, "no_subprotocol");

    Negotiated extension =
        choose_deflate(all_of(request.field, "sec-websocket-extensions"), options.deflate.value_or(Deflate{}));
    if (extension.failed) return refuse(400, "bad_extensions");

    out.status = http1 ? 101 : 200;
    if (http1) {
        out.fields = {
            {"Connection", "Upgrade"}, {"Upgrade", "websocket"}, {"Sec-WebSocket-Accept", accept_value(*key)}};
    }
    if (!out.subprotocol.empty()) out.fields.emplace_back("Sec-WebSocket-Protocol", out.subprotocol);
    if (options.deflate && extension.deflate) {
        out.deflate = extension.deflate;
        out.fields.emplace_back("Sec-WebSocket-Extensions", std::move(extension.answer));
    }
    return out;
}

FieldList offer_fields(std::string_view key, const std::vector<std::string>& subprotocols,
                       const std::optional<Deflate>& deflate) {
    FieldList out;
    if (!key.empty()) {
        out = {{"Connection", "Upgrade"}, {"Upgrade", "websocket"}, {"Sec-WebSocket-Key", std::string(key)}};
    }
    out.emplace_back("Sec-WebSocket-Version", kVersion);
    std::string list;
    for (const std::string& name : subprotocols) list.append(list.empty() ? "" : ", ").append(name);
    if (!list.empty()) out.emplace_back("Sec-WebSocket-Protocol", std::move(list));
    if (deflate) out.emplace_back("Sec-WebSocket-Extensions", deflate_offer(*deflate));
    return out;
}

UpgradeAnswer check_answer(int status, const FieldLookup& field, std::string_view key,
                           const std::vector<std::string>& subprotocols, const std::optional<Deflate>& deflate) {
    UpgradeAnswer out;
    const auto fail = [](std::string_view why) {
        UpgradeAnswer failed;
        failed.refusal = why;
        return failed;
    };
    const bool http1 = !key.empty();
    // RFC 6455 section 4.1, "Once the client's opening handshake has been sent".
    if (http1 ? status != 101 : status / 100 != 2) return fail("bad_status");
    if (http1) {
        const auto upgrade = only(field, "upgrade");
        if (!upgrade || !http1::equals_ci(*upgrade, "websocket")) return fail("no_upgrade");
        if (!any_has(field, "connection", "upgrade")) return fail("bad_connection");
        const auto accept = only(field, "sec-websocket-accept");
        if (!accept || *accept != accept_value(key)) return fail("bad_accept");
    }
    if (field("sec-websocket-protocol", 0)) {
        const auto chosen = only(field, "sec-websocket-protocol");
        if (!chosen || std::find(subprotocols.begin(), subprotocols.end(), *chosen) == subprotocols.end())
            return fail("bad_subprotocol");
        out.subprotocol = *chosen;
    }
    Negotiated extension = read_deflate_answer(all_of(field, "sec-websocket-extensions"), deflate);
    if (extension.failed) return fail("bad_extensions");
    out.deflate = extension.deflate;
    return out;
}

}  // namespace acp::wire::websocket
