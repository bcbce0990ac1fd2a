// dispatch: what of a request says who calls, found but not yet believed.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "wire/exchange.h"

namespace acp::dispatch {

/// Views are borrowed from the request, and from the scratch of find_evidence.
struct Evidence {
    enum class Kind : std::uint8_t {
        bearer,    ///< an access token (RFC 6750)
        dpop,      ///< an access token that is bound to a key (RFC 9449)
        session,   ///< the cookie of a browser session
        asserted,  ///< the signed assertion of a trusted front, in a field of its own
    };
    Kind kind = Kind::bearer;
    std::string_view value;
    std::string_view field;   ///< asserted: the field's name, in lower case
    std::string_view proof;   ///< dpop: the DPoP field
    std::string_view method;
    std::string_view url;     ///< dpop: scheme://authority/path, as the client sees it
    std::string_view peer;
    std::string_view certificate_sha256;  ///< of the verified client certificate, base64url; empty: none
    /// Session: the X-CSRF-Token field, and whether the browser says that the request
    /// comes from a page of this origin.
    std::string_view csrf_token;
    bool is_same_origin = false;
    /// Session, asserted: the browser says that a page of another origin sends it. Neither is
    /// true of a program that is no browser.
    bool is_foreign = false;

    /// Whether the method may change something (RFC 9110 section 9.2.1).
    bool is_unsafe() const noexcept { return method != "GET" && method != "HEAD" && method != "OPTIONS"; }
};

/// Where to look. Fixed while serving.
struct EvidenceSources {
    std::string session_cookie;                ///< its name; empty: no sessions
    std::vector<std::string> asserted_fields;  ///< names in lower case
    std::string origin;                        ///< of this server as clients see it; empty: as each request says
};

/// What has to be made of the request before it can be pointed at.
struct EvidenceScratch {
    std::string token, url, certificate_sha256;
};

/// Authorization comes first, then the cookie, then an assertion. nullopt: there is
/// none. Code::invalid `bad_authorization`: a field is given twice, or the scheme is
/// unknown (then unauthenticated).
Result<std::optional<Evidence>> find_evidence(const wire::RequestView& request, const EvidenceSources& sources, EvidenceScratch& scratch);

/// A copy that outlives the request's head, for another thread. Wiped at its end.
class HeldEvidence {
public:
    explicit HeldEvidence(const Evidence& evidence);
    ~HeldEvidence();
    HeldEvidence(const HeldEvidence&) = delete;
    HeldEvidence& operator=(const HeldEvidence&) = delete;
    const Evidence& view() const noexcept { return view_; }

private:
    std::string value_, field_, proof_, method_, url_, peer_, certificate_sha256_, csrf_token_;
    Evidence view_;
};

/// Whether the browser says that the request comes from a page of this origin: Sec-Fetch-Site,
/// and Origin where it is sent.
bool is_same_origin(const wire::RequestView& request, const EvidenceSources& sources);
/// Whether a page of another origin sent this: Origin differs from Host, or is given twice.
bool is_foreign_origin(const wire::RequestView& request);
/// Calls `each` with every subprotocol that is offered and brings no token.
void for_each_subprotocol(const wire::RequestView& request, const std::function<void(std::string_view)>& each);

}  // namespace acp::dispatch
