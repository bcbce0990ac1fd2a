#include <catch2/catch.hpp>
#include <regex>

#include "base/bytes.h"
#include "jose/compact.h"
#include "json/json.h"
#include "unit/auth/flow_house.h"

using namespace acp;
using namespace acp::auth;
using namespace acp::auth::test;

namespace {

constexpr const char* kOwn = "https://cp.example/auth";

/// Keeps rows instead of writing them.
class Notes final : public SecurityLog {
public:
    std::vector<ledger::SecurityEvent> rows;
    Result<void> require(ledger::SecurityEvent event) override {
        rows.push_back(std::move(event));
        return {};
    }
    void note(ledger::SecurityEvent event) override { rows.push_back(std::move(event)); }
};

struct House {
    identity::test::TempDir dir;
    FaultyStore store;
    jose::PrivateKey upstream = jose::PrivateKey::generate(jose::Algorithm::ES256).value();
    int key_fetches = 0;
    Notes notes;
    std::shared_ptr<identity::Keyring> keyring = identity::Keyring::open(dir.path() / "keys").value();
    std::shared_ptr<identity::Revocations> revocations = std::make_shared<identity::Revocations>(store);
    std::int64_t now_ms = unix_ms();
    FlowIdentity identity{settings(), parts(), store, notes, named_keys(), [this] { return now_ms; }};

    static Settings settings() {
        Settings s;
        s.issuer = kOwn;
        s.audience = "alphaswarm-cp";
        return s;
    }
    identity::VerifierParts parts() {
        identity::KeyRules rules;
        rules.fetch = [this](const std::string& url, const std::string& ca) -> Result<std::string> {
            ++key_fetches;
            if (url != "https://front.example/keys" || ca != "/ca.pem") return fail(Code::not_found, "", url);
            return jose::KeySet({upstream.public_key()}).json();
        };
        auto keys = std::make_shared<identity::KeySources>(rules);
        auto trusted = std::make_shared<identity::TrustedIssuers>(std::vector<identity::TrustedIssuer>{}, identity::Roles{}, keys, 30);
        return {keyring, trusted, revocations, nullptr};
    }
    std::map<std::string, jose::PrivateKey, std::less<>> named_keys() { return {{"k1", upstream}}; }

    std::int64_t now() const { return now_ms / 1000; }
    json::Object::Ptr claims(const std::string& issuer, const std::string& audience) const {
        return json::object({{"iss", issuer}, {"aud", audience}, {"sub", "carol"}, {"jti", "t-1"}, {"nonce", "n-1"}, {"iat", now()}, {"exp", now() + 300}});
    }
    plugins::TokenCheck front(std::string_view token) const {
        return {token, "https://front.example", "my-app", "https://front.example/keys", "", "", "/ca.pem"};
    }
};

}  // namespace

TEST_CASE("a token of an issuer that the flow names holds by that issuer's keys") {
    House h;
    const std::string good = h.upstream.sign("JWT", json::dump(h.claims("https://front.example", "my-app"))).value();
    const auto held = h.identity.verify(call(), h.front(good));
    REQUIRE(held);
    CHECK(json::text_or(json::parse_object(*held).value(), "sub") == "carol");
    auto check = h.front(good);
    check.nonce = "n-1";
    CHECK(h.identity.verify(call(), check));

    const auto refused = [&](plugins::TokenCheck c) { return h.identity.verify(call(), c).error(); };
    check.nonce = "n-2";
    CHECK(refused(check).internal == "nonce");
    check = h.front(good);
    check.audience = "other-app";
    CHECK(refused(check).code == Code::unauthenticated);
    check = h.front(good);
    check.type = "at+jwt";
    CHECK(refused(check).code == Code::unauthenticated);
    check = h.front(good);
    check.issuer = "https://other.example";
    CHECK(refused(check).code == Code::unauthenticated);
    check = h.front(good);
    check.jwks_url = "http://front.example/keys";  // nobody's keys over an open line
    CHECK_FALSE(h.identity.verify(call(), check));

    const auto stranger = jose::PrivateKey::generate(jose::Algorithm::ES256).value();
    CHECK(refused(h.front(stranger.sign("JWT", json::dump(h.claims("https://front.example", "my-app"))).value())).code == Code::unauthenticated);
    auto old = h.claims("https://front.example", "my-app");
    old->set("exp", h.now() - 31);
    CHECK(refused(h.front(h.upstream.sign("JWT", json::dump(old)).value())).message.find("expired") != std::string::npos);
    CHECK(refused(h.front("no.token.at.all")).code == Code::unauthenticated);
    CHECK(refused(h.front(h.keyring->sign("JWT", json::dump(h.claims("https://front.example", "my-app"))).value())).code == Code::unauthenticated);
}

TEST_CASE("keys that cannot be had are an outage, not a bad token") {
    House h;
    const std::string token = h.upstream.sign("JWT", json::dump(h.claims("https://down.example", "my-app"))).value();
    const auto got = h.identity.verify(call(), {token, "https://down.example", "my-app"});
    REQUIRE_FALSE(got);
    CHECK(got.error().code == Code::unavailable);
}

TEST_CASE("a token of this server holds by its own keys, until it is revoked") {
    House h;
    const std::string token = h.keyring->sign("at+jwt", json::dump(h.claims(kOwn, "alphaswarm-cp"))).value();
    plugins::TokenCheck check{token, "", "alphaswarm-cp", "", "at+jwt"};
    CHECK(h.identity.verify(call(), check));
    check.type = "application/AT+JWT";
    CHECK(h.identity.verify(call(), check));
    check.type = "";
    CHECK_FALSE(h.identity.verify(call(), check));
    const std::string foreign = h.upstream.sign("at+jwt", json::dump(h.claims(kOwn, "alphaswarm-cp"))).value();
    CHECK_FALSE(h.identity.verify(call(), {foreign, kOwn, "alphaswarm-cp", "", "at+jwt"}));
    CHECK(h.key_fetches == 0);
    REQUIRE(h.revocations->revoke_token(kOwn, "t-1", h.now() + 300, h.now()));
    const auto revoked = h.identity.verify(call(), {token, "", "alphaswarm-cp", "", "at+jwt"});
    REQUIRE_FALSE(revoked);
    CHECK(revoked.error().internal == "revoked");
}

TEST_CASE("an assertion says who, to whom, and for how long") {
    House h;
    const auto own = h.identity.assertion(call(), {"", "cp-client", "https://idp.example/token", 60});
    REQUIRE(own);
    const auto token = jose::parse(*own).value();
    CHECK(h.keyring->signed_here(token));
    CHECK(token.typ == "jwt");
    CHECK(json::text_or(token.claims, "iss") == "cp-client");
    CHECK(json::text_or(token.claims, "sub") == "cp-client");
    CHECK(json::text_or(token.claims, "aud") == "https://idp.example/token");
    CHECK(token.claims->getValue<std::int64_t>("exp") - token.claims->getValue<std::int64_t>("iat") == 60);
    const auto other = h.identity.assertion(call(), {"", "cp-client", "https://idp.example/token", 60});
    CHECK(json::text_or(jose::parse(*other)->claims, "jti") != json::text_or(token.claims, "jti"));

    const auto named = h.identity.assertion(call(), {"k1", "cp-client", "x", 60});
    CHECK(jose::parse(*named)->signed_by(h.upstream.public_key()));
    CHECK(h.identity.assertion(call(), {"k2", "cp-client", "x", 60}).error().code == Code::not_found);
    // Nobody becomes this server by it.
    CHECK(h.identity.assertion(call(), {"", kOwn, "alphaswarm-cp", 60}).error().code == Code::forbidden);
}

TEST_CASE("state is kept for one flow, replaced by version and taken once") {
    House h;
    const auto handle = h.identity.state_put(call(), "device", R"({"v":1})", 60);
    REQUIRE(handle);
    CHECK(handle->size() == 43);  // 256 bits
    const auto read = h.identity.state_read(call(), "device", *handle);
    REQUIRE(read);
    CHECK(read->value == R"({"v":1})");
    CHECK(h.identity.state_read(call(), "other", *handle).error().code == Code::not_found);
    CHECK(h.identity.state_take(call(), "other", *handle).error().code == Code::not_found);

    CHECK(h.identity.state_replace(call(), "device", *handle, read->version + 1, R"({"v":2})").error().code == Code::conflict);
    REQUIRE(h.identity.state_replace(call(), "device", *handle, read->version, R"({"v":2})"));
    CHECK(h.identity.state_replace(call(), "device", *handle, read->version, R"({"v":3})").error().code == Code::conflict);
    CHECK(h.identity.state_take(call(), "device", *handle).value() == R"({"v":2})");
    CHECK(h.identity.state_take(call(), "device", *handle).error().code == Code::not_found);
    CHECK(h.identity.state_replace(call(), "device", *handle, read->version + 1, R"({"v":3})").error().code == Code::conflict);
}

TEST_CASE("replacing does not lengthen a life") {
    House h;
    const auto handle = h.identity.state_put(call(), "device", "{}", 60).value();
    const auto before = h.store.get("flow", "device/handle:" + handle).value();
    REQUIRE(before);
    h.now_ms += 20'000;
    REQUIRE(h.identity.state_replace(call(), "device", handle, before->version, R"({"v":2})"));
    const auto after = h.store.get("flow", "device/handle:" + handle).value();
    REQUIRE(after);
    // The store counts from its own clock, which has not moved on with ours.
    CHECK(after->expires_unix_ms <= before->expires_unix_ms - 19'000);
    h.now_ms += 60'000;
    CHECK(h.identity.state_replace(call(), "device", handle, after->version, "{}").error().code == Code::conflict);
}

TEST_CASE("a code is for people: however it is typed") {
    House h;
    std::string letters;
    for (int i = 0; i < 200; ++i) {
        const auto code = h.identity.state_put_code(call(), "device", "{}", 60).value();
        CHECK(std::regex_match(code, std::regex("[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}")));
        letters += code;
    }
    for (const char c : std::string("BCDFGHJKLMNPQRSTVWXZ")) CHECK(letters.find(c) != std::string::npos);
    const auto code = h.identity.state_put_code(call(), "device", R"({"v":1})", 60).value();
    const std::string bare = code.substr(0, 4) + code.substr(5);
    for (const std::string& typed : {code, bare, ascii_lower(code), ascii_lower(bare), " " + bare.substr(0, 2) + " " + bare.substr(2)})
        CHECK(h.identity.state_read(call(), "device", typed));
    CHECK_FALSE(h.identity.state_read(call(), "device", bare.substr(0, 7)));
    CHECK_FALSE(h.identity.state_read(call(), "device", bare + "B"));
    CHECK(h.identity.state_take(call(), "device", ascii_lower(bare)).value() == R"({"v":1})");
    CHECK_FALSE(h.identity.state_take(call(), "device", code));
}

TEST_CASE("a store that is down is an outage") {
    House h;
    h.store.down = true;
    CHECK(h.identity.state_put(call(), "device", "{}", 60).error().code == Code::unavailable);
    CHECK(h.identity.state_put_code(call(), "device", "{}", 60).error().code == Code::unavailable);
    CHECK(h.identity.state_read(call(), "device", "x").error().code == Code::unavailable);
    CHECK(h.identity.state_take(call(), "device", "x").error().code == Code::unavailable);
    CHECK(h.identity.state_replace(call(), "device", "x", 1, "{}").error().code == Code::unavailable);
}

TEST_CASE("a flow's audit row says whose it is") {
    House h;
    h.identity.audit(call(), "device", "device.approve", "robot", "granted", R"({"a":1})");
    h.identity.audit(call(), "device", "device.approve", "robot", "granted", "not json");
    REQUIRE(h.notes.rows.size() == 2);
    const auto& row = h.notes.rows[0];
    CHECK(row.kind == "flow.device.approve");
    CHECK(row.actor == "flow:device");
    CHECK(row.target == "robot");
    CHECK(row.request_id == "req-1");
    CHECK(json::dump(row.details) == R"({"flow":"device","flow_details":{"a":1}})");
    CHECK(json::dump(h.notes.rows[1].details) == R"({"flow":"device"})");
}
