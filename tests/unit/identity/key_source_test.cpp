// Keys of other issuers: when they are fetched, kept, served stale and refused.
#include "identity/key_source.h"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <map>
#include <thread>
#include <vector>

#include "identity/discovery.h"
#include "jose/private_key.h"

using namespace acp;
using namespace acp::identity;

namespace {

const std::string kIssuer = "https://idp.example/t";
const std::string kMetadata = kIssuer + "/.well-known/openid-configuration";
const std::string kKeys = "https://idp.example/keys";

jose::PrivateKey key() {
    return jose::PrivateKey::generate(jose::Algorithm::ES256).value();
}
std::string set_of(const std::vector<jose::PrivateKey>& keys) {
    std::vector<jose::PublicKey> published;
    for (const auto& one : keys) published.push_back(one.public_key());
    return jose::KeySet(published).json();
}

/// An issuer that answers what it is told, and a clock that stands still.
struct Idp {
    std::map<std::string, Result<std::string>> answers;
    std::vector<std::string> asked;
    std::int64_t now = 1'000'000;
    int gone = 0;

    Idp() { answers[kMetadata] = R"({"issuer":")" + kIssuer + R"(","jwks_uri":")" + kKeys + "\"}"; }
    KeyRules rules() {
        KeyRules rules;
        rules.now_ms = [this] { return now; };
        rules.fetch = [this](const std::string& url, const std::string&) -> Result<std::string> {
            asked.push_back(url);
            const auto found = answers.find(url);
            if (found == answers.end()) return fail(Code::not_found, "fetch_failed", "404");
            return found->second;
        };
        rules.key_gone = [this] { ++gone; };
        return rules;
    }
    void publish(const std::vector<jose::PrivateKey>& keys) { answers[kKeys] = set_of(keys); }
    void fall() { answers[kKeys] = fail(Code::unavailable, "unavailable", "down"); }
    std::size_t key_fetches() const { return static_cast<std::size_t>(std::count(asked.begin(), asked.end(), kKeys)); }
};

/// "" when the key is had, else the error's slug.
std::string outcome(KeySource& source, const std::string& kid) {
    const auto found = source.find(kid, jose::Algorithm::ES256);
    return found ? "" : found.error().slug;
}

}  // namespace

TEST_CASE("keys are fetched by discovery, once, and kept for their time", "[keys]") {
    Idp idp;
    const auto a = key();
    idp.publish({a});
    KeySources sources(idp.rules());
    auto source = sources.at({kIssuer, "", ""}).value();
    CHECK(idp.asked.empty());
    CHECK(outcome(*source, a.kid()).empty());
    CHECK(outcome(*source, "").empty());  // the only one that fits
    idp.now += 599'999;
    CHECK(outcome(*source, a.kid()).empty());
    CHECK(idp.asked == std::vector<std::string>{kMetadata, kKeys});
    idp.now += 1;
    CHECK(outcome(*source, a.kid()).empty());
    CHECK(idp.key_fetches() == 2);
    CHECK(sources.counters().fetches == 2);
    CHECK(sources.counters().stale_serves == 0);
    CHECK(sources.at({kIssuer, "", ""}).value() == source);
}

TEST_CASE("an unknown kid causes one fetch, then none for half a minute", "[keys]") {
    Idp idp;
    const auto a = key(), b = key();
    idp.publish({a});
    KeySources sources(idp.rules());
    auto source = sources.at({kIssuer, kKeys, ""}).value();
    REQUIRE(outcome(*source, a.kid()).empty());
    idp.publish({a, b});
    CHECK(outcome(*source, b.kid()).empty());  // rotated just now
    CHECK(idp.key_fetches() == 2);
    const auto refused = source->find("nobody's", jose::Algorithm::ES256);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::unauthenticated);
    CHECK(refused.error().internal == "kid");
    CHECK(outcome(*source, "another's") == "invalid_token");
    CHECK(idp.key_fetches() == 2);
    idp.now += 29'999;
    CHECK(outcome(*source, "another's") == "invalid_token");
    CHECK(idp.key_fetches() == 2);
    idp.now += 1;
    CHECK(outcome(*source, "another's") == "invalid_token");
    CHECK(outcome(*source, "another's") == "invalid_token");
    CHECK(idp.key_fetches() == 3);
    CHECK(sources.counters().unknown_kids == 5);
    CHECK(outcome(*source, a.kid()).empty());
}

TEST_CASE("a kid of another algorithm is unknown", "[keys]") {
    Idp idp;
    const auto a = key();
    idp.publish({a});
    KeySources sources(idp.rules());
    auto source = sources.at({kIssuer, kKeys, ""}).value();
    CHECK_FALSE(source->find(a.kid(), jose::Algorithm::RS256));
    CHECK_FALSE(source->find(a.kid(), jose::Algorithm::ES384));
    CHECK(source->find(a.kid(), jose::Algorithm::ES256));
}

TEST_CASE("while the issuer is down its keys serve, and it is asked less and less", "[keys]") {
    Idp idp;
    const auto a = key();
    idp.publish({a});
    KeySources sources(idp.rules());
    auto source = sources.at({kIssuer, kKeys, ""}).value();
    REQUIRE(outcome(*source, a.kid()).empty());
    idp.fall();
    idp.now += 600'000;
    // 1, 2, 4, 8, 16, 32 s, then 60 s for ever.
    for (const std::int64_t wait_s : {1, 2, 4, 8, 16, 32, 60, 60}) {
        const auto before = idp.key_fetches();
        CHECK(outcome(*source, a.kid()).empty());
        CHECK(idp.key_fetches() == before + 1);
        idp.now += wait_s * 1000 - 1;
        CHECK(outcome(*source, a.kid()).empty());
        CHECK(idp.key_fetches() == before + 1);
        idp.now += 1;
    }
    CHECK(sources.counters().failures == 8);
    CHECK(sources.counters().stale_serves == 16);
    idp.publish({a});
    CHECK(outcome(*source, a.kid()).empty());
    CHECK(sources.counters().fetches == 2);
    // An unknown kid cannot be told from a new one while the issuer is down.
    idp.fall();
    CHECK(outcome(*source, "new") == "keys_unavailable");
}

TEST_CASE("keys are not served stale for ever", "[keys]") {
    Idp idp;
    const auto a = key();
    idp.publish({a});
    KeySources sources(idp.rules());
    auto source = sources.at({kIssuer, kKeys, ""}).value();
    REQUIRE(outcome(*source, a.kid()).empty());
    idp.fall();
    idp.now += 600'000 + 86'400'000 - 1;
    CHECK(outcome(*source, a.kid()).empty());
    idp.now += 1;
    CHECK(outcome(*source, a.kid()) == "keys_unavailable");
}

TEST_CASE("without any keys the token can be judged later", "[keys]") {
    Idp idp;
    idp.fall();
    KeySources sources(idp.rules());
    auto source = sources.at({kIssuer, kKeys, ""}).value();
    const auto refused = source->find("a", jose::Algorithm::ES256);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::unavailable);
    CHECK(refused.error().retryable);
    CHECK(refused.error().retry_after_ms == 1000);
    CHECK(outcome(*source, "a") == "keys_unavailable");
    CHECK(idp.key_fetches() == 1);
    idp.now += 1000;
    CHECK(outcome(*source, "a") == "keys_unavailable");
    CHECK(idp.key_fetches() == 2);
}

TEST_CASE("a wrong key set keeps the one before", "[keys]") {
    Idp idp;
    const auto a = key();
    idp.publish({a});
    KeySources sources(idp.rules());
    auto source = sources.at({kIssuer, kKeys, ""}).value();
    REQUIRE(outcome(*source, a.kid()).empty());
    const std::string one = a.public_key().jwk()->has("x") ? json::dump(a.public_key().jwk()) : "";
    for (const std::string& wrong :
         {std::string("<html>"), std::string("[]"), std::string("{}"), std::string(R"({"keys":[]})"),
          std::string(R"({"keys":5})"), R"({"keys":[)" + one + "," + one + "]}",
          std::string(R"({"keys":[{"kty":"oct","k":"AAAA"}]})"), std::string()}) {
        CAPTURE(wrong);
        idp.answers[kKeys] = wrong;
        idp.now += 600'000;
        CHECK(outcome(*source, a.kid()).empty());
    }
    CHECK(sources.counters().fetches == 1);
    CHECK(sources.counters().failures == 8);
    CHECK(idp.gone == 0);
}

TEST_CASE("a key that is published no more is told of", "[keys]") {
    Idp idp;
    const auto a = key(), b = key();
    idp.publish({a});
    KeySources sources(idp.rules());
    auto source = sources.at({kIssuer, kKeys, ""}).value();
    REQUIRE(outcome(*source, a.kid()).empty());
    idp.publish({a, b});
    idp.now += 600'000;
    REQUIRE(outcome(*source, a.kid()).empty());
    CHECK(idp.gone == 0);
    idp.publish({b});
    idp.now += 600'000;
    CHECK(outcome(*source, a.kid()) == "invalid_token");
    CHECK(idp.gone == 1);
}

TEST_CASE("metadata must be the issuer's own, and keys come by https", "[keys]") {
    struct Row {
        const char* metadata;
        const char* why;
    };
    const std::vector<Row> rows = {
        {R"({"issuer":"https://idp.example/t/","jwks_uri":"https://idp.example/keys"})", "a slash more"},
        {R"({"issuer":"https://IDP.example/t","jwks_uri":"https://idp.example/keys"})", "another case"},
        {R"({"issuer":["https://idp.example/t"],"jwks_uri":"https://idp.example/keys"})", "a list"},
        {R"({"jwks_uri":"https://idp.example/keys"})", "no issuer"},
        {R"({"issuer":"https://evil.example","issuer":"https://idp.example/t","jwks_uri":"https://idp.example/keys"})",
         "two issuers"},
        {R"({"issuer":"https://idp.example/t"})", "no jwks_uri"},
        {R"({"issuer":"https://idp.example/t","jwks_uri":"http://idp.example/keys"})", "plain http"},
        {R"({"issuer":"https://idp.example/t","jwks_uri":"http://127.0.0.1/keys"})", "our own loopback"},
        {R"({"issuer":"https://idp.example/t","jwks_uri":"unix:///run/x.sock"})", "a socket"},
        {R"({"issuer":"https://idp.example/t","jwks_uri":"file:///etc/passwd"})", "a file"},
        {R"({"issuer":"https://idp.example/t","jwks_uri":"https://u:p@idp.example/keys"})", "user information"},
        {R"({"issuer":"https://idp.example/t","jwks_uri":5})", "a number"},
        {R"(["https://idp.example/t"])", "no object"},
        {"", "nothing"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.why);
        Idp idp;
        idp.publish({key()});
        idp.answers[kMetadata] = std::string(row.metadata);
        KeySources sources(idp.rules());
        CHECK(outcome(*sources.at({kIssuer, "", ""}).value(), "") == "keys_unavailable");
        CHECK(idp.asked == std::vector<std::string>{kMetadata});
    }
}

TEST_CASE("metadata of an OAuth server is found before the issuer's path", "[keys]") {
    Idp idp;
    const auto a = key();
    idp.publish({a});
    const auto text = idp.answers[kMetadata];
    idp.answers.erase(kMetadata);
    idp.answers["https://idp.example/.well-known/oauth-authorization-server/t"] = text;
    KeySources sources(idp.rules());
    CHECK(outcome(*sources.at({kIssuer, "", ""}).value(), a.kid()).empty());
    // Only when there is none of the other kind: an error is an error.
    idp.answers[kMetadata] = fail(Code::provider_error, "fetch_failed", "500");
    idp.asked.clear();
    CHECK_FALSE(discover(kIssuer, "", idp.rules().fetch));
    CHECK(idp.asked.size() == 1);
}

TEST_CASE("where keys may come from", "[keys]") {
    CHECK(check_key_url("https://a.example/k", "https://b.example"));
    CHECK(check_key_url("https://a.example/k", "kubernetes/serviceaccount"));
    CHECK(check_key_url("http://127.0.0.1:8/k", "http://localhost:9/i"));
    CHECK(check_key_url("http://[::1]/k", "http://127.9.9.9"));
    for (const auto& [url, issuer] :
         std::vector<std::pair<std::string, std::string>>{{"http://a.example/k", "http://a.example"},
                                                          {"http://127.0.0.1/k", "https://a.example"},
                                                          {"http://127.0.0.1/k", "http://a.example"},
                                                          {"http://a.example/k", "http://127.0.0.1"},
                                                          {"http://127.a.example/k", "http://127.0.0.1"},
                                                          {"http://127.0.0.1/k", "urn:a"},
                                                          {"unix:///k", "http://127.0.0.1"},
                                                          {"", "http://127.0.0.1"}}) {
        CAPTURE(url, issuer);
        CHECK_FALSE(check_key_url(url, issuer));
    }
}

TEST_CASE("one flight serves all who wait", "[keys]") {
    Idp idp;
    const auto a = key();
    std::promise<void> answer;
    std::shared_future<void> answered = answer.get_future().share();
    std::atomic<int> flights{0};
    KeyRules rules = idp.rules();
    rules.fetch = [&](const std::string&, const std::string&) -> Result<std::string> {
        ++flights;
        answered.wait();
        return set_of({a});
    };
    KeySources sources(rules);
    auto source = sources.at({kIssuer, kKeys, ""}).value();
    std::atomic<int> good{0}, begun{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 16; ++i)
        threads.emplace_back([&] {
            ++begun;
            good += outcome(*source, a.kid()).empty() ? 1 : 0;
        });
    while (begun < 16 || flights == 0) std::this_thread::yield();
    answer.set_value();
    for (auto& thread : threads) thread.join();
    CHECK(good == 16);
    CHECK(flights == 1);
}

TEST_CASE("who finds stale keys does not wait for another's flight", "[keys]") {
    Idp idp;
    const auto a = key();
    std::promise<void> answer;
    std::shared_future<void> answered = answer.get_future().share();
    std::atomic<int> flights{0};
    std::atomic<std::int64_t> now{0};
    KeyRules rules;
    rules.now_ms = [&] { return now.load(); };
    rules.fetch = [&](const std::string&, const std::string&) -> Result<std::string> {
        if (++flights > 1) answered.wait();
        return set_of({a});
    };
    KeySources sources(rules);
    auto source = sources.at({kIssuer, kKeys, ""}).value();
    REQUIRE(outcome(*source, a.kid()).empty());
    now = 600'000;
    std::thread first([&] { outcome(*source, a.kid()); });
    while (flights < 2) std::this_thread::yield();
    CHECK(outcome(*source, a.kid()).empty());  // or this test hangs
    CHECK(sources.counters().stale_serves == 1);
    answer.set_value();
    first.join();
}

TEST_CASE("a fetch that throws is a failure like others", "[keys]") {
    Idp idp;
    KeyRules rules = idp.rules();
    rules.fetch = [](const std::string&, const std::string&) -> Result<std::string> {
        throw std::runtime_error("boom");
    };
    KeySources sources(rules);
    CHECK(outcome(*sources.at({kIssuer, kKeys, ""}).value(), "a") == "keys_unavailable");
}

TEST_CASE("the number of sources is bounded", "[keys]") {
    KeySources sources;
    for (int i = 0; i < 256; ++i) REQUIRE(sources.at({"https://" + std::to_string(i), "", ""}));
    const auto refused = sources.at({"https://one-more", "", ""});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::exhausted);
    CHECK(sources.at({"https://0", "", ""}));
}
