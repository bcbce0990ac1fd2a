#include "dispatch/evidence.h"

#include <algorithm>

#include "base/bytes.h"
#include "http/cookie.h"
#include "http/path.h"

namespace acp::dispatch {

namespace {

using wire::http1::equals_ci;

/// Browsers cannot set Authorization on a WebSocket; the Kubernetes API takes the
/// token in this guise, and so do its clients' authors expect it.
constexpr std::string_view kTokenProtocol = "base64url.bearer.authorization.k8s.io.";

std::string_view trimmed(std::string_view text) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

template <typename Each>
void for_each_part(std::string_view rest, char separator, Each each) {
    while (!rest.empty()) {
        const auto end = std::min(rest.find(separator), rest.size());
        if (const auto part = trimmed(rest.substr(0, end)); !part.empty()) each(part);
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
}

template <typename Each>
void for_each_offer(const wire::RequestView& request, Each each) {
    for (const auto& field : request.fields)
        if (equals_ci(field.name, "sec-websocket-protocol")) for_each_part(field.value, ',', each);
}

/// The field's value; nothing when it is missing. False: it is given twice.
bool only(const wire::RequestView& request, std::string_view lower_name, std::string_view& value) {
    int count = 0;
    for (const auto& field : request.fields) {
        if (!equals_ci(field.name, lower_name)) continue;
        value = field.value;
        ++count;
    }
    return count < 2;
}

tl::unexpected<Error> twice(std::string_view name) {
    return fail(Code::invalid, "bad_authorization", std::string(name) + " is given more than once");
}

Result<std::string_view> cookie_of(const wire::RequestView& request, const std::string& name) {
    http::CookieReader cookie(name);
    for (const auto& field : request.fields)
        if (equals_ci(field.name, "cookie")) cookie.read(field.value);
    if (cookie.is_ambiguous()) return twice("the cookie " + name);
    return cookie.value();
}

bool is_from_elsewhere(const wire::RequestView& request) {
    std::string_view site;
    if (!only(request, "sec-fetch-site", site)) return true;
    return (!site.empty() && site != "same-origin" && site != "none") || is_foreign_origin(request);
}

std::string url_of(const wire::RequestView& request, const EvidenceSources& sources) {
    std::string url = sources.origin;
    if (url.empty()) url.append(request.secure ? "https://" : "http://").append(request.authority);
    return url.append(http::split_target(request.target).path);
}

}  // namespace

Result<std::optional<Evidence>> find_evidence(const wire::RequestView& request, const EvidenceSources& sources, EvidenceScratch& scratch) {
    Evidence evidence;
    evidence.method = request.method;
    evidence.peer = request.peer;
    if (request.certificate) {
        scratch.certificate_sha256 = base64url(unhex(request.certificate->certificate.sha256).value_or(""));
        evidence.certificate_sha256 = scratch.certificate_sha256;
    }
    std::string_view authorization;
    if (!only(request, "authorization", authorization)) return twice("Authorization");
    if (authorization.data() != nullptr) {
        const auto space = std::min(authorization.find(' '), authorization.size());
        const auto scheme = authorization.substr(0, space);
        evidence.value = authorization.substr(std::min(space + 1, authorization.size()));
        if (!evidence.value.empty() && equals_ci(scheme, "bearer")) return evidence;
        if (evidence.value.empty() || !equals_ci(scheme, "dpop"))
            return fail(Code::unauthenticated, "unauthenticated", "only the schemes Bearer and DPoP are taken: Authorization: Bearer <token>");
        evidence.kind = Evidence::Kind::dpop;
        if (!only(request, "dpop", evidence.proof)) return twice("DPoP");
        scratch.url = url_of(request, sources);
        evidence.url = scratch.url;
        return evidence;
    }
    if (request.websocket) {
        bool offered = false;
        for_each_offer(request, [&](std::string_view one) {
            if (!one.starts_with(kTokenProtocol)) return;
            scratch.token = unbase64url(one.substr(kTokenProtocol.size())).value_or("");
            offered = true;
        });
        evidence.value = scratch.token;
        if (offered) return evidence;
    }
    if (!sources.session_cookie.empty()) {
        auto cookie = cookie_of(request, sources.session_cookie);
        if (!cookie) return fail(cookie.error());
        if (!cookie->empty()) {
            evidence.kind = Evidence::Kind::session;
            evidence.value = *cookie;
            if (!only(request, "x-csrf-token", evidence.csrf_token)) return twice("X-CSRF-Token");
            evidence.is_same_origin = is_same_origin(request, sources);
            evidence.is_foreign = is_from_elsewhere(request);
            return evidence;
        }
    }
    for (const auto& name : sources.asserted_fields) {
        std::string_view value;
        if (!only(request, name, value)) return twice(name);
        if (value.empty()) continue;
        evidence.kind = Evidence::Kind::asserted;
        evidence.field = name;
        evidence.is_foreign = is_from_elsewhere(request);
        evidence.value = value;
        return evidence;
    }
    return std::optional<Evidence>();
}

HeldEvidence::HeldEvidence(const Evidence& evidence)
    : value_(evidence.value),
      field_(evidence.field),
      proof_(evidence.proof),
      method_(evidence.method),
      url_(evidence.url),
      peer_(evidence.peer),
      certificate_sha256_(evidence.certificate_sha256),
      csrf_token_(evidence.csrf_token),
      view_{evidence.kind, value_, field_, proof_, method_, url_, peer_, certificate_sha256_, csrf_token_, evidence.is_same_origin, evidence.is_foreign} {}

HeldEvidence::~HeldEvidence() {
    wipe(value_);
    wipe(csrf_token_);
}

bool is_same_origin(const wire::RequestView& request, const EvidenceSources& sources) {
    std::string_view site;
    std::string_view origin;
    if (!only(request, "sec-fetch-site", site) || !only(request, "origin", origin)) return false;
    if (!site.empty() && site != "same-origin") return false;
    if (origin.empty()) return !site.empty();
    return origin == sources.origin || !is_foreign_origin(request);
}

bool is_foreign_origin(const wire::RequestView& request) {
    std::string_view origin;
    const bool once = only(request, "origin", origin);
    if (origin.data() == nullptr) return false;
    // An origin names no default port (RFC 6454 section 6.2), Host may.
    std::string_view host = request.authority;
    if (origin.starts_with("http://")) {
        origin.remove_prefix(7);
        if (host.ends_with(":80")) host.remove_suffix(3);
    } else if (origin.starts_with("https://")) {
        origin.remove_prefix(8);
        if (host.ends_with(":443")) host.remove_suffix(4);
    } else {
        return true;
    }
    return !once || !equals_ci(origin, ascii_lower(host));
}

void for_each_subprotocol(const wire::RequestView& request, const std::function<void(std::string_view)>& each) {
    for_each_offer(request, [&](std::string_view one) {
        if (!one.starts_with(kTokenProtocol)) each(one);
    });
}

}  // namespace acp::dispatch
