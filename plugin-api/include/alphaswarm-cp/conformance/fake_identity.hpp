// conformance: acp.host.identity/1 in memory, with a clock that tests can move.
//
//   FakeHost host;
//   FakeIdentity identity(host);                       // one at a time
//   identity.accept("token", "https://idp", "me", R"({"sub":"carol"})");
//   identity.advance(std::chrono::seconds(600));       // what was kept for less is gone
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "alphaswarm-cp/conformance/fake_host.hpp"
#include "alphaswarm-cp/host/identity.h"

namespace acp::conformance {

struct AuditRow {
    std::string kind, target, outcome, details_json;
};

class FakeIdentity {
public:
    /// Adds itself and its clock to `host`, which must outlive it.
    explicit FakeIdentity(FakeHost& host);
    ~FakeIdentity();
    FakeIdentity(const FakeIdentity&) = delete;
    FakeIdentity& operator=(const FakeIdentity&) = delete;

    /// `verify` takes `token` for this issuer, audience and type alone, and where a nonce is
    /// asked for only with that one among the claims.
    void accept(std::string token, std::string issuer, std::string audience, std::string claims_json, std::string type = {});
    /// Moves the Unix time of acp.host.clock/1, and what is kept nearer to its end.
    void advance(std::chrono::seconds by);
    /// From now on every function fails with `status`; ACP_OK ends it.
    void fail_with(acp_status status);

    /// Now, by the clock that the plugin sees.
    int64_t unix_s() const;
    std::vector<AuditRow> audits() const;
    /// "issuer audience jwks_url" of each verify.
    std::vector<std::string> checks() const;
    /// How much is kept and has not expired.
    size_t kept() const;
    /// Drops what is kept, tokens, rows and checks.
    void forget();
    /// How often token_once had to fetch.
    int fetches() const;

private:
    friend struct FakeIdentityTable;
    struct Kept {
        std::string value;
        uint64_t version = 1;
        int64_t until_ns = 0;
    };
    struct Accepted {
        std::string token, issuer, audience, claims, type;
    };

    int64_t now_ns() const;
    void keep(const std::string& handle, std::string_view value, int64_t ttl_s);
    /// Null when there is none that has not expired. With the lock held.
    Kept* find(std::string_view handle);

    FakeHost& host_;
    mutable std::mutex mutex_;
    std::condition_variable landed_;
    std::set<std::string> flights_;
    std::map<std::string, Kept, std::less<>> kept_, tokens_;
    std::vector<Accepted> accepted_;
    std::vector<AuditRow> audits_;
    std::vector<std::string> checks_;
    std::atomic<int64_t> offset_ns_{0};
    uint64_t handles_ = 0;
    int fetches_ = 0;
    acp_status failing_ = ACP_OK;
};

}  // namespace acp::conformance
