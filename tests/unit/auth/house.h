// The endpoints of auth as a client meets them, without a wire: registered clients,
// trusted issuers, one flow for client credentials, and a log that remembers.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "auth/endpoints.h"
#include "auth/trust_parts.h"
#include "jose/private_key.h"
#include "state/open.h"
#include "unit/identity/temp_dir.h"

namespace acp::auth::test {

inline const std::string kIssuer = "https://cp.example/auth";
inline const std::string kJwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
inline const std::string kAccess = "urn:ietf:params:oauth:token-type:access_token";
inline const std::string kExchange = "urn:ietf:params:oauth:grant-type:token-exchange";
inline const std::string kSpiffe = "spiffe://prod.example/worker";
/// Every client with a secret has this one and the client's id behind it.
inline const std::string kSecret = "canary-secret-";

using Pairs = std::vector<std::pair<std::string, std::string>>;

std::string basic(const std::string& id, const std::string& secret);
/// A certificate of a client; its digest is that of `der`.
tls::PeerIdentity certificate(const std::string& subject, const std::string& spiffe_id, const std::string& der);

struct Ask {
    std::string path = "/auth/token";
    Pairs form;
    std::vector<std::string> authorization = {};
    std::vector<std::string> dpop = {};
    std::optional<tls::PeerIdentity> certificate = {};
    std::string peer = "192.0.2.1:5000";
    std::string query = {};
    std::string raw_body = {};  ///< in place of the form
};

struct Reply {
    http::Response response;
    json::Object::Ptr json;  ///< null: the body is no object
    int status() const { return response.status; }
    std::string text(const std::string& name) const { return json ? json::text_or(json, name) : std::string(); }
    std::string error() const { return text("error"); }
    std::string field(const std::string& name) const;
};

class MemoryLog final : public SecurityLog {
public:
    Result<void> require(ledger::SecurityEvent event) override;
    void note(ledger::SecurityEvent event) override { events.push_back(std::move(event)); }
    std::vector<ledger::SecurityEvent> events;
    bool broken = false;
    const ledger::SecurityEvent& last() const { return events.back(); }
    /// Everything in it as one text.
    std::string text() const;
};

struct House {
    explicit House(Settings settings = default_settings(), identity::DpopRules dpop = {});
    static Settings default_settings();

    Reply ask(const Ask& ask);
    /// client_credentials by client "basic", with `more` in the form.
    Reply mint(const Pairs& more = {}, const std::string& client = "basic");
    std::string token(const Pairs& more = {}, const std::string& client = "basic");
    /// A token of this server with any claims; `changes` are set over sound ones, null removes.
    std::string own(const std::map<std::string, json::Var>& changes = {});
    json::Object::Ptr claims_of(const std::string& token) const;

    /// An assertion of client "jwt"; `changes` as above.
    std::string assertion(const std::map<std::string, json::Var>& changes = {}, const std::string& typ = "JWT");
    /// A token by an issuer's key.
    std::string foreign(const std::string& issuer, const std::map<std::string, json::Var>& changes, const std::string& typ);
    std::string proof(const std::map<std::string, json::Var>& changes = {}, const std::string& path = "/auth/token");

    identity::test::TempDir dir;
    std::int64_t now;
    jose::PrivateKey client_key = jose::PrivateKey::generate(jose::Algorithm::ES256).value();
    jose::PrivateKey issuer_key = jose::PrivateKey::generate(jose::Algorithm::ES256).value();
    jose::PrivateKey proof_key = jose::PrivateKey::generate(jose::Algorithm::ES256).value();
    std::unique_ptr<state::Store> store = state::open({}).value();
    identity::Clients clients;
    identity::VerifierParts parts;
    std::unique_ptr<TrustParts> trust;
    MemoryLog log;
    Counters counters;
    std::vector<Flow> flows;
    std::vector<plugins::AuthRequest> seen;                                    ///< by the flow
    std::function<plugins::AuthDecision(const plugins::AuthRequest&)> decide;  ///< empty: as m2m does
    std::unique_ptr<Endpoints> endpoints;

private:
    std::string signed_by(const jose::PrivateKey& key, const std::string& typ, json::Object::Ptr claims,
                          const std::map<std::string, json::Var>& changes);
    plugins::AuthDecision m2m(const plugins::AuthRequest& request) const;
    std::vector<dispatch::Route> routes_;
};

}  // namespace acp::auth::test
