#include "auth/sessions.h"

#include <algorithm>

#include "base/bytes.h"
#include "json/json.h"

namespace acp::auth {

namespace {

constexpr std::string_view kSpace = "session";
constexpr std::size_t kHandleBytes = 16;
constexpr std::size_t kSecretBytes = 32;
/// A use is written down once in this part of the idle limit.
constexpr std::int64_t kTouchesPerIdle = 10;

std::string digest_of(std::string_view secret) {
    const Sha256 digest = sha256(secret);
    return base64url({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

// Names of the index's owners; quoted, so that no two pairs make one, and of one length.
std::string subject_owner(const std::string& issuer, const std::string& subject) { return sha256_hex("subject" + json::quoted(issuer) + json::quoted(subject)); }
std::string upstream_owner(const std::string& issuer, const std::string& sid) { return sha256_hex("upstream" + json::quoted(issuer) + json::quoted(sid)); }

}  // namespace

std::int64_t Sessions::left_ms(const Session& session) const {
    return std::min(limits_.idle_s, session.ends_unix_s - now()) * 1000;
}

Result<std::string> Sessions::begin(Session& session) {
    session.created_unix_s = now();
    session.ends_unix_s = session.created_unix_s + limits_.absolute_s;
    return keep_new(session);
}

Result<std::string> Sessions::rotate(Session& session, const Session& old) {
    session.created_unix_s = old.created_unix_s;
    session.ends_unix_s = old.ends_unix_s;
    auto cookie = keep_new(session);
    if (!cookie) return cookie;
    // The old cookie keeps opening what it opened, and nothing that is new: who has
    // stolen it gains nothing by the step-up.
    const std::string value = to_json(old);
    const std::int64_t grace_ms = std::min(limits_.grace_s * 1000, left_ms(old));
    if (grace_ms <= 0) {
        if (auto gone = store_.remove(kSpace, old.handle); !gone) return fail(gone.error());
    } else if (auto kept = store_.put({.space = kSpace, .key = old.handle, .value = value, .ttl_ms = grace_ms}); !kept) {
        return fail(kept.error());
    }
    return cookie;
}

Result<std::string> Sessions::keep_new(Session& session) {
    std::string secret = random_token(kSecretBytes);
    session.handle = random_token(kHandleBytes);
    session.secret_digest = digest_of(secret);
    session.csrf_token = random_token(kSecretBytes);
    session.seen_unix_s = now();
    if (left_ms(session) <= 0) return fail(Code::unauthenticated, "no_session", "the session has ended");
    if (auto kept = write(session, state::If::absent); !kept) return fail(kept.error());
    if (auto indexed = index(session); !indexed) return fail(indexed.error());
    std::string cookie = session.handle + "." + secret;
    wipe(secret);
    return cookie;
}

Result<void> Sessions::index(const Session& session) {
    const std::int64_t ttl_ms = (session.ends_unix_s - now()) * 1000;
    if (auto kept = store_.remember(kSpace, subject_owner(session.issuer, session.subject), session.handle, ttl_ms); !kept) return kept;
    if (session.upstream_session.empty()) return {};
    return store_.remember(kSpace, upstream_owner(session.issuer, session.upstream_session), session.handle, ttl_ms);
}

Result<void> Sessions::write(Session& session, state::If condition) {
    std::string value = to_json(session);
    auto version = store_.put({.space = kSpace, .key = session.handle, .value = value, .ttl_ms = left_ms(session), .condition = condition, .if_version = session.version});
    wipe(value);
    if (!version) return fail(version.error());
    session.version = *version;
    return {};
}

Result<void> Sessions::replace(Session& session) {
    if (left_ms(session) <= 0) return fail(Code::unauthenticated, "no_session", "the session has ended");
    return write(session, state::If::version);
}

Result<std::optional<Session>> Sessions::by_handle(std::string_view handle) {
    auto entry = store_.get(kSpace, handle);
    if (!entry) return fail(entry.error());
    if (!*entry) return std::optional<Session>();
    auto session = session_from_json((*entry)->value);
    wipe((*entry)->value);
    if (!session) return fail(session.error());
    session->version = (*entry)->version;
    if (session->ends_unix_s <= now()) return std::optional<Session>();
    return std::optional<Session>(std::move(*session));
}

Result<std::optional<Session>> Sessions::find(std::string_view cookie) {
    const auto dot = cookie.find('.');
    if (dot == std::string_view::npos || cookie.size() > 256) return std::optional<Session>();
    auto session = by_handle(cookie.substr(0, dot));
    if (!session || !*session) return session;
    if (!equal_constant_time(digest_of(cookie.substr(dot + 1)), (*session)->secret_digest)) return std::optional<Session>();
    if (now() - (*session)->seen_unix_s <= std::max<std::int64_t>(1, limits_.idle_s / kTouchesPerIdle)) return session;
    (*session)->seen_unix_s = now();
    // Who has changed it meanwhile has used it too.
    if (auto touched = replace(**session); !touched && touched.error().code != Code::conflict) return fail(touched.error());
    return session;
}

Result<std::optional<Session>> Sessions::end(std::string_view handle) {
    auto session = by_handle(handle);
    if (!session || !*session) return session;
    auto removed = store_.remove(kSpace, handle);
    if (!removed) return fail(removed.error());
    const Session& gone = **session;
    // An index that keeps a handle too long names nothing.
    (void)store_.forget(kSpace, subject_owner(gone.issuer, gone.subject), gone.handle);
    if (!gone.upstream_session.empty()) (void)store_.forget(kSpace, upstream_owner(gone.issuer, gone.upstream_session), gone.handle);
    if (!*removed) return std::optional<Session>();
    return session;
}

Result<std::vector<Session>> Sessions::members(const std::string& owner) {
    auto handles = store_.members(kSpace, owner);
    if (!handles) return fail(handles.error());
    std::vector<Session> out;
    for (const auto& handle : *handles) {
        auto session = by_handle(handle);
        if (!session) return fail(session.error());
        if (*session) out.push_back(std::move(**session));
    }
    std::sort(out.begin(), out.end(), [](const Session& a, const Session& b) { return a.created_unix_s > b.created_unix_s; });
    return out;
}

Result<std::vector<Session>> Sessions::of_subject(const std::string& issuer, const std::string& subject) { return members(subject_owner(issuer, subject)); }

Result<std::vector<Session>> Sessions::of_upstream(const std::string& issuer, const std::string& upstream_session) { return members(upstream_owner(issuer, upstream_session)); }

}  // namespace acp::auth
