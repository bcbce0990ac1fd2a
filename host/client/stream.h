// client: one stream of an HTTP/2 connection: a call and its answer.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client/call.h"
#include "wire/feed.h"
#include "wire/http1/parse.h"
#include "wire/http2/session.h"

namespace acp::client {

class Http2;

/// Shared by the connection and the call, which may read on when the stream or
/// the whole connection is gone.
class Stream final : private Carrier, private wire::Feed::Listener {
public:
    Stream(Http2& connection, Call& call) noexcept;
    static std::shared_ptr<Stream> make(Http2& connection, Call& call);
    ~Stream();

    std::int32_t id() const noexcept { return id_; }
    bool submitted() const noexcept { return id_ > 0; }
    /// Sends the request's head. False: the connection takes no more streams.
    bool submit();

    // --- what the session reads
    void begin_head() noexcept;
    /// False: the answer is malformed, or its head too large.
    bool add_field(nghttp2_rcbuf* name, nghttp2_rcbuf* value);
    /// False: too many interim ones.
    bool end_head() noexcept;
    void add_data(std::string_view bytes) { data_ += bytes; }
    void end_data() noexcept { ended_ = true; }
    void closed(std::uint32_t error_code) noexcept;
    /// Tells the call what is new, outside of the session's callbacks.
    void tell();
    /// The connection is gone.
    void fail(const Error& error, bool malformed);

    // --- what the session sends
    ssize_t produce(std::uint8_t* into, std::size_t room, std::uint32_t& flags);

    std::int64_t begun_ns() const noexcept { return begun_ns_; }
    bool over() const noexcept { return call_ == nullptr; }

private:
    // Carrier
    http::BodySource::Pulled read(std::string& out, Error& why) override;
    bool write(std::string_view) override { return false; }
    std::size_t unsent() const noexcept override { return 0; }
    void finish() override {}
    void drop(bool silent) noexcept override;
    // Feed::Listener
    void on_feed() override;
    void on_heartbeat() override {}

    void release_fields() noexcept;
    Error failure() const;

    Http2& connection_;  ///< not to be used once closed
    Call* call_;
    std::int32_t id_ = 0;
    std::int64_t begun_ns_ = 0;

    std::vector<nghttp2_rcbuf*> held_;
    std::vector<wire::http1::Field> fields_;
    std::size_t head_bytes_ = 0;
    int status_ = 0;
    int interim_ = 0;
    bool interim_ready_ = false;
    bool head_ready_ = false;  ///< the final one
    bool head_told_ = false;
    std::string data_;
    bool ended_ = false;
    bool closed_ = false;
    std::uint32_t error_code_ = 0;

    std::size_t sent_ = 0;
    std::unique_ptr<wire::Feed> feed_;
    std::string piece_;
    std::size_t piece_sent_ = 0;
    bool source_ended_ = false;
    bool source_failed_ = false;
};

}  // namespace acp::client
