#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <vector>

#include "wire/websocket/handshake.h"

using namespace acp::wire::websocket;

namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

FieldLookup lookup(const Fields& fields) {
    return [&fields](std::string_view lower, std::size_t index) -> std::optional<std::string_view> {
        for (const auto& [name, value] : fields)
            if (name == lower && index-- == 0) return value;
        return std::nullopt;
    };
}

/// The request of RFC 6455 section 1.2, with `changes`: a value replaces, or adds,
/// fields of that name; "-" removes them; several are separated by "|".
Fields request(const std::map<std::string, std::string>& changes = {}) {
    std::map<std::string, std::string> all = {{"upgrade", "websocket"},
                                              {"connection", "Upgrade"},
                                              {"sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="},
                                              {"sec-websocket-version", "13"}};
    for (const auto& [name, value] : changes) all[name] = value;
    Fields out;
    for (const auto& [name, value] : all) {
        if (value == "-") continue;
        for (std::size_t from = 0;;) {
            const std::size_t bar = value.find('|', from);
            out.emplace_back(name, value.substr(from, bar - from));
            if (bar == std::string::npos) break;
            from = bar + 1;
        }
    }
    return out;
}

Upgrade check(const Fields& fields, const UpgradeOptions& options = {}) {
    return check_upgrade({"GET", 1, 1, {}, lookup(fields)}, options);
}

std::string field(const FieldList& fields, std::string_view name) {
    for (const auto& [key, value] : fields)
        if (key == name) return value;
    return "-";
}

/// What a server that wants `wanted` answers to an offer; "-" for none.
std::string answer(const std::string& offer, const Deflate& wanted = {}) {
    UpgradeOptions options;
    options.deflate = wanted;
    const Upgrade upgrade = check(request({{"sec-websocket-extensions", offer}}), options);
    if (!upgrade.accepted()) return std::string(upgrade.refusal);
    return field(upgrade.fields, "Sec-WebSocket-Extensions");
}

}  // namespace

TEST_CASE("the handshake of RFC 6455 section 1.2", "[websocket]") {
    UpgradeOptions options;
    options.subprotocols = {"chat"};
    const Upgrade upgrade = check(request({{"sec-websocket-protocol", "chat, superchat"}}), options);
    CHECK(upgrade.accepted());
    CHECK(upgrade.status == 101);
    CHECK(upgrade.subprotocol == "chat");
    CHECK(upgrade.fields == FieldList{{"Connection", "Upgrade"},
                                      {"Upgrade", "websocket"},
                                      {"Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="},
                                      {"Sec-WebSocket-Protocol", "chat"}});
    CHECK(accept_value("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST_CASE("handshakes that are refused, or not", "[websocket]") {
    const struct {
        std::map<std::string, std::string> changes;
        const char* refusal;
        int status;
    } table[] = {
        {{}, "", 101},
        {{{"upgrade", "WebSocket"}}, "", 101},
        {{{"upgrade", "h2c, websocket"}}, "", 101},
        {{{"upgrade", "h2c|websocket"}}, "", 101},
        {{{"upgrade", "-"}}, "no_upgrade", 426},
        {{{"upgrade", "websockets"}}, "no_upgrade", 426},
        {{{"connection", "keep-alive, upgrade"}}, "", 101},
        {{{"connection", "keep-alive|Upgrade"}}, "", 101},
        {{{"connection", "-"}}, "bad_connection", 400},
        {{{"connection", "keep-alive"}}, "bad_connection", 400},
        {{{"sec-websocket-version", "-"}}, "bad_version", 426},
        {{{"sec-websocket-version", "8"}}, "bad_version", 426},
        {{{"sec-websocket-version", "013"}}, "bad_version", 426},
        {{{"sec-websocket-version", "13, 8"}}, "bad_version", 426},
        {{{"sec-websocket-version", "13|13"}}, "bad_version", 426},
        {{{"sec-websocket-key", "-"}}, "bad_key", 400},
        {{{"sec-websocket-key", ""}}, "bad_key", 400},
        {{{"sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==|dGhlIHNhbXBsZSBub25jZQ=="}}, "bad_key", 400},
        {{{"sec-websocket-protocol", "a, b c"}}, "bad_subprotocol", 400},
        {{{"sec-websocket-protocol", "a/b"}}, "bad_subprotocol", 400},
        {{{"sec-websocket-extensions", "a; =b"}}, "bad_extensions", 400},
        {{{"content-length", "0"}}, "", 101},
        {{{"content-length", "5"}}, "unexpected_content", 400},
        {{{"transfer-encoding", "chunked"}}, "unexpected_content", 400},
    };
    for (const auto& row : table) {
        INFO((row.changes.empty() ? "" : row.changes.begin()->first + ": " + row.changes.begin()->second));
        const Upgrade upgrade = check(request(row.changes));
        CHECK(upgrade.refusal == row.refusal);
        CHECK(upgrade.status == row.status);
        CHECK(upgrade.accepted() == (row.status == 101));
    }
    const Fields fields = request();
    CHECK(check_upgrade({"POST", 1, 1, {}, lookup(fields)}, {}).status == 405);
    CHECK(check_upgrade({"GET", 1, 0, {}, lookup(fields)}, {}).refusal == "bad_http_version");
    const Upgrade old = check(request({{"sec-websocket-version", "8"}}));
    CHECK(field(old.fields, "Sec-WebSocket-Version") == "13");
    CHECK(field(old.fields, "Upgrade") == "websocket");
}

TEST_CASE("keys are canonical base64 of 16 bytes", "[websocket]") {
    for (const char* key : {"dGhlIHNhbXBsZSBub25jZQ==", "AAAAAAAAAAAAAAAAAAAAAA==", "/////////////////////w==",
                            "+/+/+/+/+/+/+/+/+/+/+w=="})
        CHECK(is_key(key));
    for (const char* key :
         {"", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZR==",  // stray bits
          "dGhlIHNhbXBsZSBub25jZQ===", "dGhlIHNhbXBsZSBub25jZWE=", "dGhlIHNhbXBsZSBub25jZWFi",  // 17 and 18 bytes
          "dGhlIHNhbXBsZSBub25j", " GhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZ ==", "dGhl=HNhbXBsZSBub25jZQ==",
          "dGhlIHNhbXBsZSBub25j====", "dGhlIHNhbXBs-SBub25jZQ==", "dGhlIHNhbXBsZ\nBub25jZQ=="}) {
        INFO(key);
        CHECK_FALSE(is_key(key));
    }
    CHECK(is_key(make_key()));
    CHECK(make_key() != make_key());
}

TEST_CASE("the server's preference chooses the subprotocol", "[websocket]") {
    UpgradeOptions options;
    options.subprotocols = {"v5.channel.k8s.io", "v4.channel.k8s.io"};
    const auto chosen = [&](const std::string& offer) {
        const Upgrade upgrade = check(request({{"sec-websocket-protocol", offer}}), options);
        return upgrade.accepted() ? upgrade.subprotocol : std::string(upgrade.refusal);
    };
    CHECK(chosen("v4.channel.k8s.io, v5.channel.k8s.io") == "v5.channel.k8s.io");
    CHECK(chosen("v4.channel.k8s.io|x,v5.channel.k8s.io") == "v5.channel.k8s.io");
    CHECK(chosen("\tv4.channel.k8s.io ,, ") == "v4.channel.k8s.io");
    CHECK(chosen("V5.channel.k8s.io") == "");  // names are case-sensitive
    CHECK(chosen("x") == "");
    CHECK(chosen("-") == "");
    options.subprotocol_required = true;
    CHECK(chosen("x") == "no_subprotocol");
    CHECK(chosen("-") == "no_subprotocol");
    CHECK(chosen("x, v4.channel.k8s.io") == "v4.channel.k8s.io");
}

TEST_CASE("over HTTP/2 (RFC 8441) there is no key and no upgrade", "[websocket]") {
    const Fields fields = {{"sec-websocket-version", "13"},
                           {"sec-websocket-protocol", "chat"},
                           {"sec-websocket-extensions", "permessage-deflate"}};
    UpgradeOptions options;
    options.subprotocols = {"chat"};
    options.deflate.emplace();
    const Upgrade upgrade = check_upgrade({"CONNECT", 2, 0, "websocket", lookup(fields)}, options);
    CHECK(upgrade.status == 200);
    CHECK(upgrade.fields ==
          FieldList{{"Sec-WebSocket-Protocol", "chat"}, {"Sec-WebSocket-Extensions", "permessage-deflate"}});
    CHECK(check_upgrade({"GET", 2, 0, "websocket", lookup(fields)}, {}).refusal == "no_upgrade");
    CHECK(check_upgrade({"CONNECT", 2, 0, "connect-udp", lookup(fields)}, {}).refusal == "no_upgrade");
    const Fields none;
    const Upgrade old = check_upgrade({"CONNECT", 2, 0, "websocket", lookup(none)}, {});
    CHECK(old.refusal == "bad_version");
    CHECK(old.status == 400);
    CHECK(old.fields == FieldList{{"Sec-WebSocket-Version", "13"}});
}

TEST_CASE("offers of permessage-deflate", "[websocket]") {
    const std::string name = "permessage-deflate";
    const struct {
        std::string offer;
        std::string answer;
    } table[] = {
        {name, name},
        {"-", "-"},
        {"", "-"},
        {", " + name + " ,", name},
        {"x-webkit-deflate-frame", "-"},
        {"foo; bar=\"a,b\", " + name, "bad_extensions"},  // a quoted value must be a token
        {"foo; bar=\"ab\", " + name, name},
        {"foo; bar=\"a\\b\" ; c|" + name, name},
        {name + "; server_no_context_takeover", name + "; server_no_context_takeover"},
        {name + ";client_no_context_takeover", name + "; client_no_context_takeover"},
        {name + "; server_max_window_bits=10", name + "; server_max_window_bits=10"},
        {name + "; server_max_window_bits=\"10\"", name + "; server_max_window_bits=10"},
        {name + "; server_max_window_bits = 15", name + "; server_max_window_bits=15"},
        {name + "; client_max_window_bits", name + "; client_max_window_bits=15"},
        {name + "; client_max_window_bits=8", name + "; client_max_window_bits=8"},
        // The last resort of RFC 7692 section 7.1.3 and the like: the first that can be met.
        {name + "; server_max_window_bits=8, " + name + "; client_max_window_bits",
         name + "; client_max_window_bits=15"},
        {name + "; unknown, " + name, name},
        // Declined.
        {name + "; unknown", "-"},
        {name + "; server_no_context_takeover=1", "-"},
        {name + "; server_no_context_takeover; server_no_context_takeover", "-"},
        {name + "; client_no_context_takeover=\"true\"", "-"},
        {name + "; client_no_context_takeover; client_no_context_takeover", "-"},
        {name + "; server_max_window_bits", "-"},
        {name + "; server_max_window_bits=7", "-"},
        {name + "; server_max_window_bits=8", "-"},
        {name + "; server_max_window_bits=16", "-"},
        {name + "; server_max_window_bits=010", "-"},
        {name + "; server_max_window_bits=1x", "-"},
        {name + "; server_max_window_bits=10; server_max_window_bits=10", "-"},
        {name + "; client_max_window_bits=7", "-"},
        {name + "; client_max_window_bits=16", "-"},
        {name + "; client_max_window_bits; client_max_window_bits", "-"},
        {name + "; client_max_window_bits; client_max_window_bits=10", "-"},
        // Broken grammar.
        {name + ";", "bad_extensions"},
        {name + "; =1", "bad_extensions"},
        {name + "; a=", "bad_extensions"},
        {name + "; a=\"", "bad_extensions"},
        {name + "; a=\"b", "bad_extensions"},
        {name + "; a=\"b\\", "bad_extensions"},
        {name + "; a=\"\"", "bad_extensions"},
        {name + " x", "bad_extensions"},
        {name + "; a b", "bad_extensions"},
        {name + "; a=b c", "bad_extensions"},
        {"a/b", "bad_extensions"},
        {"; a", "bad_extensions"},
    };
    for (const auto& row : table) {
        INFO(row.offer);
        CHECK(answer(row.offer) == row.answer);
    }
    // Without compression here nothing is answered, but the grammar still counts.
    CHECK(field(check(request({{"sec-websocket-extensions", name}})).fields, "Sec-WebSocket-Extensions") == "-");
}

TEST_CASE("what the server wants of permessage-deflate", "[websocket]") {
    Deflate wanted;
    wanted.client_max_window_bits = 11;
    wanted.server_max_window_bits = 12;
    wanted.client_no_context_takeover = true;
    const std::string forgets = "permessage-deflate; client_no_context_takeover";
    CHECK(answer("permessage-deflate", wanted) == forgets);
    CHECK(answer("permessage-deflate; client_max_window_bits", wanted) == forgets + "; client_max_window_bits=11");
    CHECK(answer("permessage-deflate; client_max_window_bits=10", wanted) == forgets + "; client_max_window_bits=10");
    CHECK(answer("permessage-deflate; server_max_window_bits=14", wanted) == forgets + "; server_max_window_bits=12");
    CHECK(answer("permessage-deflate; server_max_window_bits=9", wanted) == forgets + "; server_max_window_bits=9");
    const std::vector<std::string_view> plain = {"permessage-deflate"};
    const Negotiated agreed = choose_deflate(plain, wanted);
    REQUIRE(agreed.deflate);
    CHECK(agreed.deflate->client_max_window_bits == 15);  // it may use all of it
    CHECK(agreed.deflate->client_no_context_takeover);
}

TEST_CASE("a client and a server agree", "[websocket]") {
    for (int variant = 0; variant < 64; ++variant) {
        const auto terms = [](int bits) {
            Deflate deflate;
            deflate.server_no_context_takeover = (bits & 1) != 0;
            deflate.client_no_context_takeover = (bits & 2) != 0;
            deflate.server_max_window_bits = (bits & 4) != 0 ? 10 : 15;
            deflate.client_max_window_bits = (bits & 4) != 0 ? 9 : 15;
            return deflate;
        };
        const Deflate here = terms(variant & 7);
        UpgradeOptions options;
        options.subprotocols = {"b", "a"};
        options.deflate = terms(variant >> 3);
        const std::string key = make_key();
        Fields sent;
        const auto lower = [](const FieldList& list) {
            Fields out;
            for (const auto& [name, value] : list) {
                std::string copy(name);
                for (char& c : copy) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
                out.emplace_back(copy, value);
            }
            return out;
        };
        sent = lower(offer_fields(key, {"a", "b"}, here));
        const Upgrade upgrade = check(sent, options);
        REQUIRE(upgrade.accepted());
        const Fields answered = lower(upgrade.fields);
        const UpgradeAnswer got = check_answer(upgrade.status, lookup(answered), key, {"a", "b"}, here);
        INFO(field(upgrade.fields, "Sec-WebSocket-Extensions"));
        CHECK(got.refusal == "");
        CHECK(got.subprotocol == "b");
        REQUIRE(got.deflate);
        CHECK(*got.deflate == *upgrade.deflate);
    }
}

TEST_CASE("answers a client refuses", "[websocket]") {
    const std::string key = "dGhlIHNhbXBsZSBub25jZQ==";
    const Fields good = {
        {"upgrade", "WebSocket"}, {"connection", "upgrade"}, {"sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}};
    const auto verdict = [&](int status, const std::map<std::string, std::string>& changes,
                             const std::optional<Deflate>& offered) {
        Fields fields;
        for (const auto& [name, value] : good)
            if (changes.count(name) == 0) fields.emplace_back(name, value);
        for (const auto& [name, value] : changes)
            if (value != "-") fields.emplace_back(name, value);
        return std::string(check_answer(status, lookup(fields), key, {"a"}, offered).refusal);
    };
    Deflate small;
    small.server_max_window_bits = 10;
    small.server_no_context_takeover = true;
    const std::string extensions = "sec-websocket-extensions";
    CHECK(verdict(101, {}, {}) == "");
    CHECK(verdict(200, {}, {}) == "bad_status");
    CHECK(verdict(101, {{"upgrade", "-"}}, {}) == "no_upgrade");
    CHECK(verdict(101, {{"upgrade", "h2c"}}, {}) == "no_upgrade");
    CHECK(verdict(101, {{"connection", "close"}}, {}) == "bad_connection");
    CHECK(verdict(101, {{"sec-websocket-accept", "-"}}, {}) == "bad_accept");
    CHECK(verdict(101, {{"sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOO="}}, {}) == "bad_accept");
    CHECK(verdict(101, {{"sec-websocket-protocol", "b"}}, {}) == "bad_subprotocol");
    CHECK(verdict(101, {{"sec-websocket-protocol", "a"}}, {}) == "");
    CHECK(verdict(101, {{extensions, "permessage-deflate"}}, {}) == "bad_extensions");
    CHECK(verdict(101, {{extensions, "permessage-deflate"}}, Deflate{}) == "");
    CHECK(verdict(101, {{extensions, "permessage-deflate, permessage-deflate"}}, Deflate{}) == "bad_extensions");
    CHECK(verdict(101, {{extensions, "foo"}}, Deflate{}) == "bad_extensions");
    CHECK(verdict(101, {{extensions, "permessage-deflate; client_max_window_bits"}}, Deflate{}) == "bad_extensions");
    CHECK(verdict(101, {{extensions, "permessage-deflate; client_max_window_bits=9"}}, Deflate{}) == "");
    CHECK(verdict(101, {{extensions, "permessage-deflate; server_max_window_bits=9"}}, Deflate{}) == "");
    CHECK(verdict(101, {{extensions, "permessage-deflate; what"}}, Deflate{}) == "bad_extensions");
    const std::string forgets = "permessage-deflate; server_no_context_takeover";
    CHECK(verdict(101, {{extensions, "permessage-deflate; server_max_window_bits=10"}}, small) == "bad_extensions");
    CHECK(verdict(101, {{extensions, forgets}}, small) == "bad_extensions");
    CHECK(verdict(101, {{extensions, forgets + "; server_max_window_bits=11"}}, small) == "bad_extensions");
    CHECK(verdict(101, {{extensions, forgets + "; server_max_window_bits=10"}}, small) == "");
}
