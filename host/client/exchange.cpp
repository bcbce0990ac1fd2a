#include "client/exchange.h"

#include <algorithm>
#include <array>
#include <memory>

#include "client/pipe.h"

namespace acp::client {

namespace {

using wire::http1::ChunkDecoder;
using wire::http1::Framing;
using wire::http1::HeadLimits;
using wire::http1::Parse;
using wire::http1::Refusal;
using wire::http1::ResponseHead;

/// Clouds answer with more than we accept from strangers.
constexpr HeadLimits kHeadLimits{.bytes = 65536, .fields = wire::http1::kMaxFields, .target = 8192};
constexpr std::size_t kReadSize = 65536;
constexpr int kInterimMax = 16;

tl::unexpected<Error> cannot_send(const std::string& what) {
    return fail(Code::invalid, "bad_request", what);
}

tl::unexpected<Error> stopped() {
    return fail(Code::cancelled, "cancelled", "the caller stopped the exchange");
}

bool is_ours(std::string_view name) {
    constexpr std::array<std::string_view, 8> kOurs = {
        "host", "connection", "content-length", "transfer-encoding", "keep-alive", "te", "trailer", "expect"};
    return std::any_of(kOurs.begin(), kOurs.end(),
                       [&](std::string_view ours) { return wire::http1::equals_ci(name, ours); });
}

/// The head on the wire. Whatever could end a line early is refused, so a
/// value taken from outside cannot become a field or a request of its own.
Result<std::string> write_head(const Request& request) {
    if (!wire::http1::is_token(request.method)) return cannot_send("the method is no token");
    std::string head =
        request.method + " " + request.url.target + " HTTP/1.1\r\nHost: " + request.url.host_field + "\r\n";
    bool names_protocol = false;
    for (const auto& [name, value] : request.fields) {
        if (!wire::http1::is_token(name)) return cannot_send("a field name is no token");
        if (!wire::http1::is_field_value(value))
            return cannot_send("the value of " + name + " holds a control character");
        if (is_ours(name)) return cannot_send("the field " + name + " is set by the client itself");
        if (wire::http1::equals_ci(name, "upgrade")) {
            if (!request.upgrade) return cannot_send("the field Upgrade goes with an upgrade only");
            names_protocol = true;
        }
        head.append(name).append(": ").append(value).append("\r\n");
    }
    if (request.upgrade && !names_protocol) return cannot_send("an upgrade needs the field Upgrade");
    const bool may_have_body = request.method != "GET" && request.method != "HEAD";
    if (!request.body.empty() || may_have_body)
        head += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
    head += request.upgrade ? "Connection: Upgrade\r\n\r\n" : "Connection: close\r\n\r\n";
    return head;
}

/// Reads the response of one request.
class Reader {
public:
    Reader(Connection& connection, const Request& request, const Handlers& handlers, const Bounds& bounds)
        : connection_(connection), request_(request), handlers_(handlers), bounds_(bounds) {}

    Result<void> run() {
        for (int interim = 0;; ++interim) {
            if (Result<void> head = read_head(); !head) return head;
            if (head_->status / 100 != 1 || head_->status == 101) break;
            if (interim == kInterimMax) return malformed("too many interim responses");
            buffer_.erase(0, head_->size);
        }
        if (head_->status == 101 && !request_.upgrade) return malformed("it switched protocols unasked");
        if (handlers_.on_head && !handlers_.on_head(*head_)) return stopped();
        const std::string early = buffer_.substr(head_->size);
        buffer_.clear();  // views of the head end here
        const bool hijacked = head_->status == 200 && head_->framing == Framing::until_close;
        if (request_.upgrade && (head_->status == 101 || hijacked))
            return run_pipe(connection_, early, handlers_, request_.max_body_bytes, bounds_);
        switch (head_->framing) {
            case Framing::none:
                return {};
            case Framing::length:
                return read_length(early);
            case Framing::chunked:
                return read_chunked(early);
            case Framing::until_close:
                return read_until_close(early);
        }
        return {};
    }

private:
    tl::unexpected<Error> malformed(const std::string& what) const {
        return fail(Code::provider_error, "bad_upstream_answer",
                    "the answer of " + connection_.place() + " is refused: " + what);
    }
    tl::unexpected<Error> truncated(const std::string& what) const {
        return fail(Code::provider_error, "truncated_answer",
                    "the answer of " + connection_.place() + " is truncated: " + what);
    }

    Result<void> read_head() {
        std::size_t scanned = 0;
        for (;;) {
            Refusal refusal = Refusal::none;
            const Parse verdict =
                wire::http1::parse_response(buffer_, kHeadLimits, scanned, request_.method, *head_, refusal);
            if (verdict == Parse::complete) return {};
            if (verdict == Parse::refused) return malformed(std::string(wire::http1::refusal_name(refusal)));
            Result<Connection::Read> got = connection_.read(chunk_.get(), kReadSize, bounds_);
            if (!got) return tl::unexpected(got.error());
            if (got->count == 0) {
                if (!buffer_.empty()) return truncated("it ends inside the head");
                return fail(Code::unavailable, "upstream_closed",
                            connection_.place() + " closed the connection without an answer");
            }
            buffer_.append(chunk_.get(), got->count);
        }
    }

    /// Body bytes; empty at the orderly end of the connection.
    Result<std::string_view> read_some() {
        Result<Connection::Read> got = connection_.read(chunk_.get(), kReadSize, bounds_);
        if (got) return std::string_view(chunk_.get(), got->count);
        Error error = got.error();
        // Behind the head a broken connection is a truncated answer.
        if (error.code == Code::unavailable) {
            error.code = Code::provider_error;
            error.slug = "truncated_answer";
        }
        return tl::unexpected(std::move(error));
    }

    Result<void> deliver(std::string_view bytes) {
        if (bytes.empty()) return {};
        if (bytes.size() > request_.max_body_bytes - delivered_) return too_large();
        delivered_ += bytes.size();
        if (handlers_.on_body && !handlers_.on_body(bytes)) return stopped();
        return {};
    }
    tl::unexpected<Error> too_large() const {
        return fail(Code::exhausted, "body_too_large",
                    "the answer of " + connection_.place() + " is larger than the bound of " +
                        std::to_string(request_.max_body_bytes) + " bytes");
    }

    Result<void> read_length(std::string_view early) {
        const std::uint64_t length = head_->content_length;
        if (length > request_.max_body_bytes) return too_large();
        std::string_view bytes = early;
        for (;;) {
            bytes =
                bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), length - delivered_)));
            if (Result<void> taken = deliver(bytes); !taken) return taken;
            if (delivered_ == length) return {};
            Result<std::string_view> more = read_some();
            if (!more) return tl::unexpected(more.error());
            if (more->empty())
                return truncated(std::to_string(delivered_) + " of " + std::to_string(length) + " bytes came");
            bytes = *more;
        }
    }

    Result<void> read_chunked(std::string_view early) {
        ChunkDecoder decoder;
        std::string_view bytes = early;
        for (;;) {
            while (!bytes.empty()) {
                const ChunkDecoder::Step step = decoder.step(bytes);
                bytes.remove_prefix(step.consumed);
                if (step.state == ChunkDecoder::State::done) return {};
                if (step.state == ChunkDecoder::State::refused)
                    return malformed(std::string(wire::http1::refusal_name(decoder.refusal())));
                if (step.state == ChunkDecoder::State::more) break;
                if (Result<void> taken = deliver(step.data); !taken) return taken;
            }
            Result<std::string_view> more = read_some();
            if (!more) return tl::unexpected(more.error());
            if (more->empty()) return truncated("the last chunk did not come");
            bytes = *more;
        }
    }

    Result<void> read_until_close(std::string_view early) {
        std::string_view bytes = early;
        for (;;) {
            if (Result<void> taken = deliver(bytes); !taken) return taken;
            Result<std::string_view> more = read_some();
            if (!more) return tl::unexpected(more.error());
            if (more->empty()) return {};
            bytes = *more;
        }
    }

    Connection& connection_;
    const Request& request_;
    const Handlers& handlers_;
    const Bounds& bounds_;
    std::string buffer_;
    std::unique_ptr<char[]> chunk_{new char[kReadSize]};  // NOLINT: left unzeroed
    std::unique_ptr<ResponseHead> head_ = std::make_unique<ResponseHead>();
    std::uint64_t delivered_ = 0;
};

}  // namespace

Result<void> exchange(const Request& request, const Handlers& handlers, const Bounds& bounds) {
    Result<std::string> head = write_head(request);
    if (!head) return tl::unexpected(head.error());
    Result<Connection> connection = Connection::open(request.url, request.tls, bounds);
    if (!connection) return tl::unexpected(connection.error());
    // A small body rides with the head in one segment.
    const bool together = request.body.size() <= kReadSize;
    if (together) head->append(request.body);
    Result<bool> sent = connection->write_all(*head, bounds);
    if (sent && *sent && !together) sent = connection->write_all(request.body, bounds);
    if (!sent) return tl::unexpected(sent.error());
    // A peer that stopped reading may have answered first (413 and the like).
    return Reader(*connection, request, handlers, bounds).run();
}

}  // namespace acp::client
