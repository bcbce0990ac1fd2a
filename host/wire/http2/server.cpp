#include "wire/http2/server.h"

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include "alphaswarm-cp/stream.h"

namespace acp::wire::http2 {

namespace {

/// Output is produced up to this much ahead of the socket.
constexpr std::size_t kOutputAhead = 64 * 1024;
/// Input that one connection may have handled before others get their turn.
constexpr std::size_t kInputPerTurn = 256 * 1024;
/// A peer that got the first GOAWAY has this long to send what was on its way.
constexpr std::int64_t kGoawayGraceMs = 1000;
/// Receive window of the connection; each stream has the protocol's 64 KiB.
constexpr std::int32_t kConnectionWindow = 1 << 20;

Server& self(void* user) noexcept {
    return *static_cast<Server*>(user);
}

}  // namespace

/// What nghttp2 calls while it reads and writes. They only take note: requests
/// are handed up once it has returned, so that nothing calls back into it.
struct Callbacks {
    static int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
        if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
        try {
            return self(user).begin_stream(frame->hd.stream_id) ? 0 : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        } catch (const std::bad_alloc&) {
            return NGHTTP2_ERR_CALLBACK_FAILURE;
        }
    }
    static int header(nghttp2_session*, const nghttp2_frame* frame, nghttp2_rcbuf* name, nghttp2_rcbuf* value,
                      std::uint8_t, void* user) {
        if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
        Stream* stream = self(user).find(frame->hd.stream_id);
        if (!stream) return 0;
        try {
            return stream->add_field(name, value) ? 0 : malformed(self(user), stream->id());
        } catch (const std::bad_alloc&) {
            return NGHTTP2_ERR_CALLBACK_FAILURE;
        }
    }
    /// RFC 9113 section 8.2.1: a malformed field makes the request malformed.
    static int invalid_header(nghttp2_session*, const nghttp2_frame* frame, nghttp2_rcbuf*, nghttp2_rcbuf*,
                              std::uint8_t, void* user) {
        return malformed(self(user), frame->hd.stream_id);
    }
    /// The code alone would make it INTERNAL_ERROR.
    static int malformed(Server& server, std::int32_t id) {
        nghttp2_submit_rst_stream(server.session(), NGHTTP2_FLAG_NONE, id, NGHTTP2_PROTOCOL_ERROR);
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    static int frame_received(nghttp2_session*, const nghttp2_frame* frame, void* user) {
        Server& server = self(user);
        if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
        Stream* stream = server.find(frame->hd.stream_id);
        if (!stream) return 0;
        const bool end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
        const bool only_padding =
            frame->hd.type == NGHTTP2_DATA && frame->hd.length > 0 && !end && frame->data.padlen == frame->hd.length;
        if (only_padding && !server.meter_.spend(1, server.connection_.loop().now_ns())) server.flood();
        try {
            if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
                if (!stream->end_head(end)) {
                    nghttp2_submit_rst_stream(server.session(), NGHTTP2_FLAG_NONE, stream->id(),
                                              NGHTTP2_PROTOCOL_ERROR);
                    return 0;
                }
            } else if (end) {
                stream->end_data();
            } else {
                return 0;
            }
            server.ready(stream->id());
        } catch (const std::bad_alloc&) {
            return NGHTTP2_ERR_CALLBACK_FAILURE;
        }
        return 0;
    }
    static int data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes, std::size_t size,
                    void* user) {
        Server& server = self(user);
        Stream* stream = server.find(id);
        if (!stream) {
            server.consumed(id, size);
            return 0;
        }
        try {
            stream->add_data({reinterpret_cast<const char*>(bytes), size});
            server.ready(id);
        } catch (const std::bad_alloc&) {
            return NGHTTP2_ERR_CALLBACK_FAILURE;
        }
        return 0;
    }
    static int stream_closed(nghttp2_session*, std::int32_t id, std::uint32_t error_code, void* user) {
        if (Stream* stream = self(user).find(id)) self(user).end_stream(*stream, error_code);
        return 0;
    }
    /// A stream that the peer makes us reset costs it as much as resetting it
    /// itself would; otherwise a flood of one is a flood of the other.
    static int frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* user) {
        Server& server = self(user);
        if (frame->hd.type == NGHTTP2_RST_STREAM && frame->rst_stream.error_code != NGHTTP2_NO_ERROR)
            if (!server.meter_.spend(1, server.connection_.loop().now_ns())) server.flood();
        if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code == NGHTTP2_PROTOCOL_ERROR)
            server.connection_.counters().h2_protocol_errors.add();
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
        static const CallbacksPtr callbacks = [] {
            nghttp2_session_callbacks* raw = nullptr;
            if (nghttp2_session_callbacks_new(&raw) != 0) throw std::bad_alloc();
            nghttp2_session_callbacks_set_on_begin_headers_callback(raw, begin_headers);
            nghttp2_session_callbacks_set_on_header_callback2(raw, header);
            nghttp2_session_callbacks_set_on_invalid_header_callback2(raw, invalid_header);
            nghttp2_session_callbacks_set_on_frame_recv_callback(raw, frame_received);
            nghttp2_session_callbacks_set_on_data_chunk_recv_callback(raw, data);
            nghttp2_session_callbacks_set_on_stream_close_callback(raw, stream_closed);
            nghttp2_session_callbacks_set_on_frame_send_callback(raw, frame_sent);
            return CallbacksPtr(raw);
        }();
        return callbacks.get();
    }
    static const nghttp2_option* option() {
        static const OptionPtr option = [] {
            nghttp2_option* raw = nullptr;
            if (nghttp2_option_new(&raw) != 0) throw std::bad_alloc();
            // A window opens again when the handler has taken the data, not before.
            nghttp2_option_set_no_auto_window_update(raw, 1);
            nghttp2_option_set_no_closed_streams(raw, 1);
            nghttp2_option_set_max_settings(raw, 32);
            // The library counts them by reads; the meter counts them by frames.
            nghttp2_option_set_max_continuations(raw, 10'000);
            return OptionPtr(raw);
        }();
        return option.get();
    }
};

Server::Server(Connection& connection, Application& application, const Limits& limits)
    : connection_(connection),
      application_(application),
      limits_(limits),
      meter_(limits.control_frames_per_second, connection.loop().now_ns()) {
    nghttp2_session* raw = nullptr;
    if (nghttp2_session_server_new3(&raw, Callbacks::table(), this, Callbacks::option(), session_memory()) != 0)
        throw std::bad_alloc();
    session_.reset(raw);
    const std::array settings{
        nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, static_cast<std::uint32_t>(limits.streams)},
        nghttp2_settings_entry{NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},  // RFC 8441
        nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(limits.header_bytes)},
    };
    nghttp2_submit_settings(raw, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
    nghttp2_session_set_local_window_size(raw, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
    connection_.counters().h2_connections.add();
}

Server::~Server() {
    while (first_) {
        Stream* stream = first_;
        unlink(*stream);
        delete stream;
    }
}

Stream* Server::begin_stream(std::int32_t id) {
    auto stream = std::make_unique<Stream>(*this, id);
    nghttp2_session_set_stream_user_data(session_.get(), id, stream.get());
    stream->next = first_;
    if (first_) first_->previous = stream.get();
    first_ = stream.release();
    ++stream_count_;
    return first_;
}

void Server::unlink(Stream& stream) noexcept {
    (stream.previous ? stream.previous->next : first_) = stream.next;
    if (stream.next) stream.next->previous = stream.previous;
    --stream_count_;
}

void Server::end_stream(Stream& stream, std::uint32_t error_code) {
    if (error_code != NGHTTP2_NO_ERROR) connection_.counters().h2_resets.add();
    stream.closed(error_code != NGHTTP2_NO_ERROR);
    nghttp2_session_set_stream_user_data(session_.get(), stream.id(), nullptr);
    unlink(stream);
    delete &stream;
}

Stream* Server::find(std::int32_t id) noexcept {
    return static_cast<Stream*>(nghttp2_session_get_stream_user_data(session_.get(), id));
}

void Server::consumed(std::int32_t id, std::size_t count) noexcept {
    nghttp2_session_consume(session_.get(), id, count);
}

void Server::submitted() {
    if (!processing_) process();
}

void Server::reads_on(std::int32_t id) {
    if (processing_) return;
    ready(id);
    process();
}

void Server::count_request() {
    ++served_;
    served_since_idle_ = true;
    connection_.counters().requests.add();
    if (limits_.requests_per_connection != 0 && served_ >= limits_.requests_per_connection) begin_goaway();
}

void Server::submitted_later() {
    if (!processing_) connection_.yield_turn();
}

void Server::process() {
    if (processing_ || connection_.closing()) return;
    processing_ = true;
    std::size_t taken = 0;
    bool yield = false;
    for (;;) {
        // Resets first: what a peer has reset is not worth beginning.
        gather();
        proceed_ready();
        send();
        // A peer that asks and does not read gets nothing more until it does.
        if (connection_.closing() || connection_.output_pending() > 0 || ending_) break;
        if (connection_.input().empty()) {
            connection_.reset_input_to(0);
            if (!connection_.fill_input()) break;
        }
        taken += connection_.input().size();
        if (!receive()) break;
        if (flooded_ && !ending_) {
            connection_.counters().h2_floods.add();
            give_up(NGHTTP2_ENHANCE_YOUR_CALM);
        }
        if (taken > kInputPerTurn) {
            yield = true;
            break;
        }
    }
    if (!connection_.closing()) {
        proceed_ready();
        send();
    }
    processing_ = false;
    if (connection_.closing()) return;
    if (yield)
        connection_.yield_turn();
    else
        wait_for_more();
}

/// Feeds what has arrived to the session. False: nothing more is to be read.
bool Server::receive() {
    const std::string_view bytes = connection_.input();
    if (bytes.empty()) {
        // The peer's end: it can still take answers that are under way, but one
        // without an end would never find out that nobody is there.
        for (Stream* stream = first_; stream; stream = stream->next) stream->cut(ACP_CLOSE_LISTENER);
        return false;
    }
    if (!meter(bytes)) return false;
    const ssize_t read =
        nghttp2_session_mem_recv(session_.get(), reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    if (read < 0) {
        if (read == NGHTTP2_ERR_BAD_CLIENT_MAGIC) {
            connection_.abort();
            return false;
        }
        if (read == NGHTTP2_ERR_FLOODED) connection_.counters().h2_floods.add();
        give_up(read == NGHTTP2_ERR_FLOODED ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_INTERNAL_ERROR);
        return false;
    }
    connection_.consume(static_cast<std::size_t>(read));
    return true;
}

bool Server::meter(std::string_view bytes) {
    const std::size_t preface = std::min(preface_left_, bytes.size());
    preface_left_ -= preface;
    bytes.remove_prefix(preface);
    if (meter_.feed(bytes, connection_.loop().now_ns()) == FrameMeter::Flood::none) return true;
    connection_.counters().h2_floods.add();
    give_up(NGHTTP2_ENHANCE_YOUR_CALM);
    return false;
}

/// By id: a stream may have been closed since it was noted.
void Server::proceed_ready() {
    for (std::size_t i = 0; i < ready_.size(); ++i)
        if (Stream* stream = find(ready_[i])) stream->proceed();
    ready_.clear();
}

/// Frames into the output; false when there are no more.
bool Server::gather() {
    while (!connection_.closing() && connection_.output_pending() < kOutputAhead) {
        const std::uint8_t* bytes = nullptr;
        const ssize_t size = nghttp2_session_mem_send(session_.get(), &bytes);
        if (size < 0) connection_.abort();
        if (size <= 0) return false;
        connection_.output() += std::string_view(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    }
    return !connection_.closing();
}

void Server::send() {
    while (gather()) {
        connection_.flush();
        if (connection_.closing()) return;
        if (connection_.output_pending() > 0) break;
    }
    if (connection_.closing()) return;
    if (connection_.output_pending() > 0) connection_.flush();
    if (connection_.closing() || connection_.output_pending() > 0) return;
    if (ending_ || (nghttp2_session_want_read(session_.get()) == 0 && nghttp2_session_want_write(session_.get()) == 0))
        connection_.close_after_flush();
}

/// Nothing more can be done now: who waits for what, and until when.
void Server::wait_for_more() {
    connection_.release_input();
    if (connection_.output_pending() > 0) return;
    Loop& loop = connection_.loop();
    // A limit that runs is not started anew by whatever else comes.
    const auto run = [&](TimeoutList& list) {
        if (!connection_.armed_in(list)) connection_.arm(list);
    };
    if (stream_count_ == 0 && (last_goaway_sent_ || connection_.input_ended())) {
        connection_.close_after_flush();
    } else if (meter_.in_head()) {
        run(loop.header_timeouts);
    } else if (stream_count_ == 0) {
        // From the last request on: pings do not keep a connection.
        if (std::exchange(served_since_idle_, false)) connection_.disarm_unless_writing();
        run(loop.idle_timeouts);
    } else if (some_stream_awaits_peer()) {
        run(loop.body_timeouts);
    } else {
        connection_.disarm_unless_writing();
    }
}

bool Server::some_stream_awaits_peer() const noexcept {
    for (const Stream* stream = first_; stream; stream = stream->next)
        if (stream->awaits_peer()) return true;
    return false;
}

void Server::on_limit(TimeoutList& list) {
    if (&list == &connection_.loop().idle_timeouts)
        give_up(NGHTTP2_NO_ERROR);
    else if (&list == &connection_.loop().header_timeouts)
        give_up(NGHTTP2_ENHANCE_YOUR_CALM);
    else if (&list == &connection_.loop().body_timeouts)
        reset_waiting();
    else
        connection_.abort();
}

/// The streams whose peer has been silent for too long; the others go on. One
/// that falls silent right behind a look is found by the next.
void Server::reset_waiting() {
    const std::int64_t since = connection_.loop().now_ns() - limits_.body_timeout_ms * 1'000'000 * 9 / 10;
    for (Stream* stream = first_; stream; stream = stream->next)
        if (stream->awaits_peer() && stream->progress_ns() <= since) stream->reset(NGHTTP2_CANCEL);
    process();
}

/// Tells the peer why and closes. (In the middle of a turn its end does the rest.)
void Server::give_up(std::uint32_t error_code) {
    nghttp2_session_terminate_session(session_.get(), error_code);
    ending_ = true;
    if (!processing_) send();
}

/// RFC 9113 section 6.8: a first GOAWAY stops new streams without refusing those
/// that are on their way; the second names the last one that is served.
void Server::begin_goaway() {
    if (std::exchange(draining_, true)) return;
    nghttp2_submit_shutdown_notice(session_.get());
    // Twice a round trip would do; nothing tells how long one is.
    connection_.loop().after(kGoawayGraceMs, [this, alive = std::weak_ptr<bool>(alive_)] {
        if (alive.expired() || connection_.closing()) return;
        nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE,
                              nghttp2_session_get_last_proc_stream_id(session_.get()), NGHTTP2_NO_ERROR, nullptr, 0);
        last_goaway_sent_ = true;
        process();
    });
}

void Server::drain() {
    begin_goaway();
    for (Stream* stream = first_; stream;) {
        Stream* next = stream->next;
        stream->cut(ACP_CLOSE_SHUTDOWN);
        stream = next;
    }
    process();
}

void Server::on_closing() {
    for (Stream* stream = first_; stream; stream = stream->next) stream->closed(true);
}

nghttp2_data_provider Server::body_of(Stream& stream) noexcept {
    nghttp2_data_provider provider{};
    provider.source.ptr = &stream;
    provider.read_callback = Callbacks::produce;
    return provider;
}

}  // namespace acp::wire::http2
