#include "auth/bootstrap.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

#include "auth/failures.h"
#include "auth/granting.h"
#include "auth/oauth_error.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/secret_file.h"
#include "identity/token.h"

namespace acp::auth {

namespace {

constexpr const char* kSubject = "bootstrap-admin";
constexpr const char* kScope = "admin:cluster";
constexpr std::int64_t kWindowMs = 60'000;
constexpr std::uint64_t kTries = 10;

std::string trimmed(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
    return text;
}

/// One answer for a token that is wrong, used up or was never there.
tl::unexpected<Error> refused(std::string why) {
    return refuse(Code::unauthenticated, "invalid_grant", "this is not the one-time token of this server, or it has been used", std::move(why));
}

}  // namespace

Result<std::string> offer_bootstrap(const std::filesystem::path& file) {
    std::string fresh = random_token(32);
    auto made = make_secret_file(file, fresh + "\n");
    wipe(fresh);
    if (!made) return fail(made.error());
    auto text = read_secret_file(file);
    if (!text) return text;
    return trimmed(std::move(*text));
}

std::vector<Mounted> Bootstrap::routes() {
    dispatch::Route route{"POST", "/auth/bootstrap", "bootstrapAdmin", {}, dispatch::Body::form, {}, [this](const dispatch::ContextPtr& context) { return answer(*context); }, {}};
    route.wants_credentials = true;  // so that the body is wiped
    std::vector<Mounted> out;
    out.push_back({std::move(route), {}});
    return out;
}

http::Response Bootstrap::answer(const dispatch::Context& context) {
    if (auto ok = limit(context); !ok) return oauth_problem(context, ok.error());
    auto form = context.form();
    const std::string* token = form ? form->find("token") : nullptr;
    if (!context.raw_query.empty() || !token || token->empty())
        return oauth_problem(context, refuse(Code::invalid, "invalid_request", "the body is a form with the parameter token, and there is no query").value());
    auto access = redeem(context, *token);
    form->forget("token");
    if (!access) return oauth_problem(context, access.error());
    Issued issued;
    issued.access_token = std::move(*access);
    issued.expires_in_s = parts_.settings.token_ttl_s;
    issued.scope = kScope;
    return token_response(std::move(issued));
}

Result<void> Bootstrap::limit(const dispatch::Context& context) {
    const auto count = parts_.store.count("auth-bootstrap", address_of(context.peer), kWindowMs);
    if (!count) return fail(count.error());
    if (*count <= kTries) return {};
    Error e = refuse(Code::exhausted, "temporarily_unavailable", "too many attempts; try again later").value();
    e.retry_after_ms = kWindowMs;
    return fail(std::move(e));
}

Result<std::string> Bootstrap::redeem(const dispatch::Context& context, const std::string& token) {
    auto kept = read_secret_file(parts_.file);
    if (!kept && kept.error().code == Code::not_found) return refused("bootstrap: no token is open");
    if (!kept) return fail(Code::unavailable, "temporarily_unavailable", kept.error().message);
    std::string wanted = trimmed(std::move(*kept));
    const bool is_it = !wanted.empty() && equal_constant_time(wanted, token);
    wipe(wanted);
    if (!is_it) return refused("bootstrap: another token");

    ledger::SecurityEvent event;
    event.kind = "bootstrap.admin";
    event.actor = kSubject;
    event.target = kSubject;
    event.outcome = "granted";
    event.request_id = context.request_id;
    event.details = json::object({{"scopes", kScope}, {"address", std::string(address_of(context.peer))}});
    if (auto recorded = parts_.security.require(std::move(event)); !recorded) return fail(recorded.error());
    // Of several that bring it at once, the one that takes the file away has it.
    if (::unlink(parts_.file.c_str()) != 0) {
        if (errno == ENOENT) return refused("bootstrap: somebody else was first");
        return fail(Code::unavailable, "temporarily_unavailable", "the one-time token cannot be used up: " + parts_.file.string() + " cannot be removed");
    }
    identity::Grant grant;
    grant.subject = kSubject;
    grant.scopes = {kScope};
    grant.ttl_s = parts_.settings.token_ttl_s;
    return identity::mint(parts_.keyring, {parts_.settings.issuer, parts_.settings.audience, parts_.settings.leeway_s}, grant, unix_ns() / 1'000'000'000);
}

}  // namespace acp::auth
