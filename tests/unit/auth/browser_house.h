// What tests of browser sessions share: sessions in memory, one flow, a clock.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "auth/browser_sessions.h"
#include "state/open.h"

namespace acp::auth::test {

class FakeTrust final : public Trust {
public:
    Result<identity::Believed> foreign(std::string_view, std::int64_t) override { return fail(Code::unauthenticated, "invalid_token", "no"); }
    Result<void> vouched(std::string_view, std::string_view, std::int64_t) override { return fail(Code::unauthenticated, "invalid_token", "no"); }
    Result<std::string> proof(std::string_view, const std::string&, std::int64_t) override { return fail(Code::unauthenticated, "invalid_dpop_proof", "no"); }
    Result<std::string> nonce(std::int64_t) override { return "nonce"; }
    bool revoked(const identity::Principal&, std::int64_t) const override { return false; }
    Result<void> revoke(const std::string&, std::int64_t) override { return {}; }
    Entitlement entitle(const std::string&, const json::Object::Ptr& claims) const override {
        return {{"viewer"}, {claims->has("groups") ? "read:x" : "read:nothing"}, {}};
    }
};

/// Keeps what is told; refuses when `is_full`.
class FakeLog final : public SecurityLog {
public:
    Result<void> require(ledger::SecurityEvent event) override {
        if (is_full) return fail(Code::unavailable, "audit_unavailable", "full");
        note(std::move(event));
        return {};
    }
    void note(ledger::SecurityEvent event) override {
        std::lock_guard lock(mutex_);
        kinds.push_back(event.kind + " " + event.outcome);
    }
    bool is_full = false;
    std::vector<std::string> kinds;

private:
    std::mutex mutex_;
};

struct BrowserHouse {
    Settings settings = make_settings("https://cp.test/auth", "");
    std::atomic<std::int64_t> now{1'000'000'000};
    std::unique_ptr<state::Store> store = state::open({"memory", {}, {}, {}}).value();
    Sessions sessions{*store, {}, [this] { return now.load(); }};
    FakeTrust trust;
    FakeLog log;
    std::atomic<int> renewed{0}, ended{0};
    std::function<Result<plugins::AuthDecision>(const plugins::AuthSession&)> renew;

    std::vector<Flow> flows() {
        Flow flow;
        flow.alias = "web";
        flow.renew = [this](const plugins::CallContext&, const plugins::AuthSession& session) {
            ++renewed;
            return renew(session);
        };
        flow.ended = [this](const plugins::CallContext&, const plugins::AuthSession&) -> Result<void> {
            ++ended;
            return {};
        };
        return {flow};
    }
    Renewals renewals{sessions, *store, trust, log, [this] { return flows(); }};
    BrowserSessions browser{{settings, sessions, renewals, *store, trust, log, [this] { return flows(); }}};

    static Session person(const std::string& subject) {
        Session s;
        s.subject = subject;
        s.issuer = "https://idp.test";
        s.actor_kind = "user";
        s.flow = "web";
        s.scopes = {"read:x"};
        s.upstream_tokens_json = R"({"refresh_token":"r1"})";
        return s;
    }
};

}  // namespace acp::auth::test
