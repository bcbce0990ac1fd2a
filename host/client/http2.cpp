#include "client/http2.h"

#include <algorithm>
#include <array>
#include <new>
#include <system_error>
#include <utility>

#include "client/broken.h"
#include "client/pool.h"

namespace acp::client {

namespace {

/// Output is produced up to this much ahead of the socket.
constexpr std::size_t kOutputAhead = 64 * 1024;
/// Input that one connection may have handled before others get their turn.
constexpr std::size_t kInputPerTurn = 256 * 1024;
/// Receive windows: what a stream may send unread, and the connection in flight.
constexpr std::uint32_t kStreamWindow = 256 * 1024;
constexpr std::int32_t kConnectionWindow = 4 << 20;
constexpr std::uint32_t kHeadBytes = 65536;
/// Before the server has said how many it takes.
constexpr std::uint32_t kStreamsMax = 100;

Http2& self(void* user) noexcept {
    return *static_cast<Http2*>(user);
}

}  // namespace

/// They only take note: calls are told once nghttp2 has returned, so that
/// nothing calls back into it.
struct ClientCallbacks {
    static int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
        if (Stream* stream = self(user).find(frame->hd.stream_id)) stream->begin_head();
        return 0;
    }
    static int header(nghttp2_session* session, const nghttp2_frame* frame, nghttp2_rcbuf* name, nghttp2_rcbuf* value,
                      std::uint8_t, void* user) {
        Stream* stream = self(user).find(frame->hd.stream_id);
        if (!stream) return 0;
        try {
            if (stream->add_field(name, value)) return 0;
            return refuse(session, frame);
        } catch (const std::bad_alloc&) {
            return NGHTTP2_ERR_CALLBACK_FAILURE;
        }
    }
    /// RFC 9113 section 8.2.1: a malformed field makes the answer malformed.
    static int invalid_header(nghttp2_session* session, const nghttp2_frame* frame, nghttp2_rcbuf*, nghttp2_rcbuf*,
                              std::uint8_t, void*) {
        return refuse(session, frame);
    }
    static int refuse(nghttp2_session* session, const nghttp2_frame* frame) {
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_PROTOCOL_ERROR);
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    static int frame_received(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
        Http2& connection = self(user);
        if (frame->hd.type == NGHTTP2_GOAWAY) connection.going_ = true;
        if (frame->hd.type == NGHTTP2_SETTINGS) connection.settled_ = true;
        if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
        connection.answered_ns_ = connection.pool_.loop().now_ns();
        Stream* stream = connection.find(frame->hd.stream_id);
        if (!stream) return 0;
        connection.used_ = true;
        try {
            if (frame->hd.type == NGHTTP2_HEADERS && !stream->end_head())
                nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream->id(), NGHTTP2_ENHANCE_YOUR_CALM);
            if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) stream->end_data();
            connection.note(*stream);
            return 0;
        } catch (const std::bad_alloc&) {
            return NGHTTP2_ERR_CALLBACK_FAILURE;
        }
    }
    static int data(nghttp2_session* session, std::uint8_t, std::int32_t id, const std::uint8_t* bytes,
                    std::size_t size, void* user) {
        Http2& connection = self(user);
        nghttp2_session_consume_connection(session, size);
        Stream* stream = connection.find(id);
        if (!stream) return 0;
        try {
            stream->add_data({reinterpret_cast<const char*>(bytes), size});
            connection.note(*stream);
        } catch (const std::bad_alloc&) {
            return NGHTTP2_ERR_CALLBACK_FAILURE;
        }
        return 0;
    }
    static int stream_closed(nghttp2_session*, std::int32_t id, std::uint32_t error_code, void* user) {
        if (Stream* stream = self(user).find(id)) self(user).stream_closed(*stream, error_code);
        return 0;
    }
    /// A connection error is the library's to find, and it answers by itself.
    static int frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* user) {
        if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR) {
            Http2& connection = self(user);
            connection.failure_ = std::string("it breaks HTTP/2 (") + nghttp2_http2_strerror(frame->goaway.error_code) +
                                  (connection.complaint_.empty() ? ")" : "): " + connection.complaint_);
        }
        return 0;
    }
    static int complain(nghttp2_session*, int, const char* text, std::size_t size, void* user) {
        self(user).complaint_.assign(text, size);
        return 0;
    }
    static ssize_t produce(nghttp2_session*, std::int32_t, std::uint8_t* into, std::size_t room, std::uint32_t* flags,
                           nghttp2_data_source* source, void*) {
        try {
            return static_cast<Stream*>(source->ptr)->produce(into, room, *flags);
        } catch (const std::exception&) {
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        }
    }

    static const nghttp2_session_callbacks* table() {
        static const wire::http2::CallbacksPtr callbacks = [] {
            nghttp2_session_callbacks* raw = nullptr;
            if (nghttp2_session_callbacks_new(&raw) != 0) throw std::bad_alloc();
            nghttp2_session_callbacks_set_on_begin_headers_callback(raw, begin_headers);
            nghttp2_session_callbacks_set_on_header_callback2(raw, header);
            nghttp2_session_callbacks_set_on_invalid_header_callback2(raw, invalid_header);
            nghttp2_session_callbacks_set_on_frame_recv_callback(raw, frame_received);
            nghttp2_session_callbacks_set_on_data_chunk_recv_callback(raw, data);
            nghttp2_session_callbacks_set_on_stream_close_callback(raw, stream_closed);
            nghttp2_session_callbacks_set_on_frame_send_callback(raw, frame_sent);
            nghttp2_session_callbacks_set_error_callback2(raw, complain);
            return wire::http2::CallbacksPtr(raw);
        }();
        return callbacks.get();
    }
    static const nghttp2_option* option() {
        static const wire::http2::OptionPtr option = [] {
            nghttp2_option* raw = nullptr;
            if (nghttp2_option_new(&raw) != 0) throw std::bad_alloc();
            nghttp2_option_set_no_auto_window_update(raw, 1);
            nghttp2_option_set_no_closed_streams(raw, 1);
            nghttp2_option_set_peer_max_concurrent_streams(raw, kStreamsMax);
            nghttp2_option_set_max_settings(raw, 32);
            return wire::http2::OptionPtr(raw);
        }();
        return option.get();
    }
};

Http2::Http2(wire::Connection& connection, Pool& pool)
    : connection_(connection),
      pool_(pool),
      meter_(pool.limits().control_frames_per_second, pool.loop().now_ns()),
      answered_ns_(pool.loop().now_ns()),
      idle_since_ns_(answered_ns_) {
    nghttp2_session* raw = nullptr;
    if (nghttp2_session_client_new2(&raw, ClientCallbacks::table(), this, ClientCallbacks::option()) != 0)
        throw std::bad_alloc();
    session_.reset(raw);
    const std::array settings{
        nghttp2_settings_entry{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        nghttp2_settings_entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
        nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, kHeadBytes},
    };
    nghttp2_submit_settings(raw, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
    nghttp2_session_set_local_window_size(raw, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
    submitted();
}

Http2::~Http2() = default;

bool Http2::has_room() const noexcept {
    if (going_ || connection_.closing() || connection_.peer_ended()) return false;
    if (nghttp2_session_check_request_allowed(session_.get()) == 0) return false;
    // One can go before the server has told its limit; more might be refused.
    if (!settled_) return streams_.empty();
    return streams_.size() <
           nghttp2_session_get_remote_settings(session_.get(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

void Http2::begin(Call& call) {
    streams_.push_back(Stream::make(*this, call));
    submitted();
}

nghttp2_data_provider Http2::body_of(Stream& stream) noexcept {
    nghttp2_data_provider provider{};
    provider.source.ptr = &stream;
    provider.read_callback = ClientCallbacks::produce;
    return provider;
}

Stream* Http2::find(std::int32_t id) noexcept {
    return static_cast<Stream*>(nghttp2_session_get_stream_user_data(session_.get(), id));
}

void Http2::note(Stream& stream) {
    if (noted_.empty() || noted_.back() != stream.id()) noted_.push_back(stream.id());
}

void Http2::stream_closed(Stream& stream, std::uint32_t error_code) {
    nghttp2_session_set_stream_user_data(session_.get(), stream.id(), nullptr);
    stream.closed(error_code);
    const auto at = std::find_if(streams_.begin(), streams_.end(), [&](const auto& s) { return s.get() == &stream; });
    if (at == streams_.end()) return;
    closed_.push_back(std::move(*at));
    streams_.erase(at);
}

void Http2::drop(Stream& stream, bool silent) noexcept {
    // A connection on which nothing was answered since is one that may be dead.
    if (silent && answered_ns_ <= stream.begun_ns()) going_ = true;
    if (stream.submitted()) nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream.id(), NGHTTP2_CANCEL);
    submitted();
}

void Http2::process() {
    if (processing_ || connection_.closing()) return;
    processing_ = true;
    turn_wanted_ = false;
    std::size_t taken = 0;
    bool yield = false;
    begin_streams();
    for (;;) {
        send();
        if (connection_.closing()) break;
        if (connection_.input().empty()) {
            connection_.reset_input_to(0);
            if (!connection_.fill_input()) break;
        }
        taken += connection_.input().size();
        if (!receive()) break;
        tell();
        if (connection_.closing()) break;
        if (taken > kInputPerTurn) {
            yield = true;
            break;
        }
    }
    processing_ = false;
    if (connection_.closing()) return;
    tell();
    send();
    if (connection_.closing()) return;
    connection_.release_input();
    if (streams_.empty() && going_)
        connection_.abort();
    else if (yield)
        connection_.yield_turn();
    else
        pool_.has_room(*this);
}

void Http2::begin_streams() {
    // Streams are begun at the back; those that have been dropped meanwhile go.
    std::erase_if(streams_, [](const auto& stream) { return !stream->submitted() && stream->over(); });
    for (std::size_t i = 0; i < streams_.size(); ++i) {
        Stream& stream = *streams_[i];
        if (stream.submitted() || stream.submit()) continue;
        going_ = true;
        const std::shared_ptr<Stream> refused = std::move(streams_[i]);
        streams_.erase(streams_.begin() + static_cast<std::ptrdiff_t>(i--));
        refused->fail(broken(), false);
    }
    if (!streams_.empty()) idle_since_ns_ = pool_.loop().now_ns();
}

/// False: nothing more is to be read.
bool Http2::receive() {
    const std::string_view bytes = connection_.input();
    if (bytes.empty()) {
        connection_.abort();
        return false;
    }
    if (meter_.feed(bytes, pool_.loop().now_ns()) != wire::http2::FrameMeter::Flood::none) {
        give_up("it floods the connection with control frames");
        return false;
    }
    const ssize_t read =
        nghttp2_session_mem_recv(session_.get(), reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    if (read < 0) {
        give_up(nghttp2_strerror(static_cast<int>(read)));
        return false;
    }
    connection_.consume(static_cast<std::size_t>(read));
    return true;
}

/// Tells the calls of streams that have something new. What one of them does may
/// end others, and the connection.
void Http2::tell() {
    for (std::size_t i = 0; i < noted_.size() && !connection_.closing(); ++i)
        if (Stream* stream = find(noted_[i])) stream->tell();
    noted_.clear();
    for (auto& stream : std::exchange(closed_, {})) stream->tell();
    if (streams_.empty()) idle_since_ns_ = pool_.loop().now_ns();
}

void Http2::send() {
    for (;;) {
        while (connection_.output_pending() < kOutputAhead) {
            const std::uint8_t* bytes = nullptr;
            const ssize_t size = nghttp2_session_mem_send(session_.get(), &bytes);
            if (size < 0) {
                give_up(nghttp2_strerror(static_cast<int>(size)));
                return;
            }
            if (size == 0) {
                connection_.flush();
                if (nghttp2_session_want_read(session_.get()) == 0 && nghttp2_session_want_write(session_.get()) == 0)
                    connection_.abort();
                return;
            }
            connection_.output() +=
                std::string_view(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
        }
        connection_.flush();
        if (connection_.closing() || connection_.output_pending() > 0) return;
    }
}

void Http2::give_up(const std::string& why) {
    failure_ = why;
    connection_.abort();
}

Error Http2::broken() const {
    if (failure_.empty())
        if (auto in_tls = broken_in_tls(connection_, pool_.place())) return std::move(*in_tls);
    std::string message = "the connection to " + pool_.place() + " broke";
    if (!failure_.empty())
        message += ": " + failure_;
    else if (connection_.error() != 0)
        message += ": " + std::generic_category().message(connection_.error());
    return acp::fail(failure_.empty() ? Code::unavailable : Code::provider_error,
                     failure_.empty() ? "upstream_reset" : "bad_upstream_answer", message)
        .value();
}

void Http2::on_closing() {
    going_ = true;
    pool_.ended(*this);
    const Error error = broken();
    // Calls may begin and end others; what they leave here is not looked at again.
    for (auto& stream : std::exchange(streams_, {})) stream->fail(error, !failure_.empty());
    for (auto& stream : std::exchange(closed_, {})) stream->tell();
}

}  // namespace acp::client
