// wire/http1: HTTP/1.1 messages (RFC 9112) as pure functions over bytes. No
// I/O, no allocation, no exceptions; the same code reads requests for the
// server and responses for the client.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace acp::wire::http1 {

/// Why a message was refused; each has a counter and, on the server side, a
/// status. Names are stable: they appear in metrics.
enum class Refusal : std::uint8_t {
    none,
    bad_request_line,     ///< shape, method token, white space
    unknown_method,       ///< longer than any there is: 501
    bad_target,           ///< control, non-ASCII or fragment in the target
    bad_version,          ///< not HTTP/1.0 or HTTP/1.1: 505
    bare_lf,              ///< LF without CR
    bare_cr,              ///< CR without LF
    nul_byte,
    obs_fold,             ///< RFC 9112 section 5.2
    space_before_colon,   ///< RFC 9112 section 5.1
    bad_field_name,
    bad_field_value,
    missing_host,
    duplicate_host,
    bad_host,
    host_mismatch,        ///< absolute-form authority differs from Host
    bad_content_length,   ///< not 1*DIGIT, over 2^63-1, a list, or repeated
    length_and_chunked,   ///< Content-Length with Transfer-Encoding
    bad_transfer_coding,  ///< anything but exactly "chunked"; also on HTTP/1.0
    bad_expect,           ///< an expectation other than 100-continue: 417
    bad_upgrade,
    head_too_large,       ///< 431
    too_many_fields,      ///< 431
    target_too_long,      ///< 414
    bad_chunk_size,
    bad_chunk_extension,
    bad_chunk_end,        ///< no CRLF behind the chunk's data
    bad_trailer,
    bad_status_line,      ///< client side
    last_
};
std::string_view refusal_name(Refusal refusal) noexcept;
/// 400, 414, 417, 431, 501 or 505.
int refusal_status(Refusal refusal) noexcept;

/// A header field; both views point into the parsed buffer. The value has its
/// surrounding white space removed.
struct Field {
    std::string_view name;
    std::string_view value;
};

inline constexpr std::size_t kMaxFields = 100;

struct HeadLimits {
    std::size_t bytes = 16384;       ///< whole head, first line included
    std::size_t fields = kMaxFields; ///< at most kMaxFields
    std::size_t target = 8192;
};

enum class Framing : std::uint8_t { none, length, chunked, until_close /* responses only */ };

/// What both kinds of head have in common.
struct Head {
    std::size_t size = 0;            ///< bytes of the head, final CRLF included
    int minor = 1;                   ///< HTTP/1.<minor>
    Framing framing = Framing::none;
    std::uint64_t content_length = 0;
    bool keep_alive = true;          ///< by version and Connection (RFC 9112 section 9.3)
    bool upgrade = false;            ///< Connection names upgrade and Upgrade is there
    std::size_t field_count = 0;
    std::array<Field, kMaxFields> fields;

    /// Value of the first field of that name, `lower` in lower case; data()
    /// is null when missing.
    std::string_view field(std::string_view lower) const noexcept;
};

struct RequestHead : Head {
    std::string_view method;
    /// Origin-form or "*", as sent. Absolute-form is reduced; without a path, what
    /// is left is "?query", which stands for "/?query".
    std::string_view target;
    std::string_view scheme;         ///< of absolute-form: "http" or "https" in any case, else empty
    std::string_view authority;      ///< the Host that counts
    bool expect_continue = false;
};

struct ResponseHead : Head {
    int status = 0;
    std::string_view reason;
};

enum class Parse : std::uint8_t { complete, incomplete, refused };

/// Parses a request head at the start of `buffer`. `scanned` is the caller's
/// memory between calls on a growing buffer (start with 0): bytes already
/// searched for the end of the head, so that a slow sender costs linear time.
/// Leading CRLF (at most one, RFC 9112 section 2.2) counts into `size`.
Parse parse_request(std::string_view buffer, const HeadLimits& limits, std::size_t& scanned, RequestHead& out,
                    Refusal& refusal) noexcept;

/// Parses a response head. `request_method` decides on the framing (HEAD,
/// CONNECT); 1xx, 204 and 304 have no content.
Parse parse_response(std::string_view buffer, const HeadLimits& limits, std::size_t& scanned,
                     std::string_view request_method, ResponseHead& out, Refusal& refusal) noexcept;

/// Incremental decoder of the chunked coding (RFC 9112 section 7.1). Feed it
/// whatever arrived; it tells which part of the input was data.
class ChunkDecoder {
public:
    enum class State : std::uint8_t { more, data, done, refused };
    struct Step {
        State state;
        std::size_t consumed;     ///< bytes of the input that are used up
        std::string_view data;    ///< set for State::data, points into the input
    };
    /// One step; call again with the rest until State::more (input used up) or
    /// done or refused. Extensions are skipped up to 256 bytes a chunk, trailers
    /// are checked as fields and dropped, up to 8 KiB in all.
    Step step(std::string_view input) noexcept;
    Refusal refusal() const noexcept { return refusal_; }

private:
    enum class Phase : std::uint8_t { size_first, size, extension, size_lf, data, data_cr, data_lf, trailer_start,
                                      trailer_name, trailer_value, trailer_lf, end_lf, done, refused };
    Step refuse(Refusal why, std::size_t consumed) noexcept;
    std::uint64_t left_ = 0;
    std::uint32_t overhead_ = 0;  ///< bytes of this extension, or of all trailers
    std::uint8_t digits_ = 0;
    Phase phase_ = Phase::size_first;
    Refusal refusal_ = Refusal::none;
};

/// Token characters of RFC 9110 section 5.6.2.
bool is_token(std::string_view text) noexcept;
/// Characters of a request target, at least one: visible ASCII but "#".
bool is_target(std::string_view text) noexcept;
/// uri-host [":" port], see parse.cpp for what is narrower than RFC 3986.
bool is_authority(std::string_view text) noexcept;
/// Field content without CR, LF, NUL and other controls but HTAB.
bool is_field_value(std::string_view text) noexcept;
/// ASCII case-insensitive comparison; `lower` is in lower case.
bool equals_ci(std::string_view text, std::string_view lower) noexcept;
/// Whether a comma-separated list holds `lower` as an element, ignoring case.
bool list_has(std::string_view list, std::string_view lower) noexcept;

}  // namespace acp::wire::http1
