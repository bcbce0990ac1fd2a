#include "exec_session.h"

#include <chrono>
#include <stdexcept>
#include <thread>

#include "json.h"
#include "own_call.h"

namespace acp::docker {

namespace {

using sdk::Failure;

constexpr std::size_t kEarlyMax = 64 * 1024;
constexpr std::chrono::milliseconds kPoll{15};
constexpr std::int64_t kInspectSeconds = 10;
constexpr int kNotExecutable = 126;
constexpr int kNotFound = 127;

std::string status_document(std::int64_t exit_code) {
    json::Object::Ptr out = json::object();
    if (exit_code == 0) {
        out->set("status", "Success");
        return json::dump(out);
    }
    json::Object::Ptr cause = json::object();
    cause->set("reason", "ExitCode");
    cause->set("message", std::to_string(exit_code));
    json::Array::Ptr causes = json::array();
    causes->add(cause);
    json::Object::Ptr details = json::object();
    details->set("causes", causes);
    out->set("status", "Failure");
    out->set("reason", "NonZeroExitCode");
    out->set("details", details);
    return json::dump(out);
}

/// What the Engine wrote to the output in place of the command, without frames.
std::string reason_of(const std::string& early, bool tty) {
    std::string text;
    if (tty) {
        text = early;
    } else {
        try {
            FrameDecoder().feed(early, [&](Channel, std::string_view piece) {
                text.append(piece);
                return true;
            });
        } catch (const std::invalid_argument&) {
            text.clear();
        }
    }
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    return text.empty() ? "no reason given" : text;
}

}  // namespace

acp_status ExecInput::listen(const std::shared_ptr<ExecInput>& input, sdk::Stream& stream) {
    auto owned = std::make_unique<std::shared_ptr<ExecInput>>(input);
    acp_stream_events events{};
    events.struct_size = sizeof events;
    events.ctx = owned.get();
    events.on_data = [](void* ctx, uint8_t channel, acp_bytes bytes) {
        (*static_cast<std::shared_ptr<ExecInput>*>(ctx))
            ->on_data(channel, {reinterpret_cast<const char*>(bytes.ptr), bytes.len});
    };
    events.on_close = [](void* ctx, int32_t) { delete static_cast<std::shared_ptr<ExecInput>*>(ctx); };
    const acp_status status = stream.set_events(events);
    if (status == ACP_OK) static_cast<void>(owned.release());  // on_close has it, perhaps already
    return status;
}

void ExecInput::on_data(std::uint8_t channel, std::string_view bytes) {
    const std::lock_guard lock(mutex_);
    if (channel == ACP_CHANNEL_STDIN) {
        if (!stdin_closed_) stdin_.append(bytes);  // at most the stream's window
    } else if (channel == ACP_CHANNEL_CLOSE) {
        if (bytes == std::string_view("\0", 1)) stdin_closed_ = true;
    } else if (channel == ACP_CHANNEL_RESIZE) {
        try {
            const json::Object::Ptr size = json::parse_object(std::string(bytes));
            const std::int64_t width = json::integer(size, "Width");
            const std::int64_t height = json::integer(size, "Height");
            if (width < 1 || height < 1 || width > 10'000 || height > 10'000) return;
            width_ = static_cast<int>(width);
            height_ = static_cast<int>(height);
        } catch (const std::exception&) {
            // A listener's nonsense changes nothing.
        }
    }
}

void ExecInput::close_stdin() {
    const std::lock_guard lock(mutex_);
    stdin_closed_ = true;
}

ExecInput::Taken ExecInput::take() {
    const std::lock_guard lock(mutex_);
    Taken taken;
    taken.bytes.swap(stdin_);
    taken.end = taken.bytes.empty() && stdin_closed_;
    taken.width = std::exchange(width_, 0);
    taken.height = std::exchange(height_, 0);
    return taken;
}

ExecSession::ExecSession(Engine& engine, std::string exec_id, sdk::ExecRequest request)
    : engine_(engine), exec_id_(std::move(exec_id)), request_(std::move(request)) {
    if (!request_.want_stdin) input_->close_stdin();
}

bool ExecSession::over() const {
    if (stopping_->load()) return true;
    switch (gate_.load()) {
        case Gate::waiting:
            return false;
        case Gate::open:
            return stream_.closed();
        case Gate::shut:
            return true;
    }
    return true;
}

void ExecSession::run(const std::atomic<bool>& stopping) noexcept {
    stopping_ = &stopping;
    std::exception_ptr error;
    try {
        exchange();
    } catch (...) {
        error = std::current_exception();
    }
    {
        std::unique_lock lock(mutex_);
        ended_ = true;
        error_ = error;
        changed_.notify_all();
        changed_.wait(lock, [&] { return gate_ != Gate::waiting; });
        if (gate_ == Gate::shut) return;
    }
    try {
        if (error) std::rethrow_exception(error);
        finish();
    } catch (const Failure& f) {
        stream_.fail(f.status(), f.message());
    } catch (const std::exception& e) {
        stream_.fail(ACP_E_PROVIDER, e.what());
    }
}

void ExecSession::exchange() {
    const OwnCall own([this] { return over(); });
    json::Object::Ptr body = json::object();
    body->set("Detach", false);
    body->set("Tty", request_.tty);
    Ask ask;
    ask.method = "POST";
    ask.path = "/exec/" + exec_id_ + "/start";
    ask.body = json::dump(body);
    ask.idle_timeout_ms = -1;
    ask.max_body_bytes = UINT64_MAX;
    ask.upgrade = true;
    ask.on_body = [this](std::string_view bytes) { return take_output(bytes); };
    ask.on_pull = [this](std::string_view& out) { return pull(out); };
    engine_.ask(own.call(), ask);
}

bool ExecSession::take_output(std::string_view bytes) {
    {
        std::unique_lock lock(mutex_);
        while (gate_ == Gate::waiting) {
            if (early_.size() + bytes.size() <= kEarlyMax) {
                early_.append(bytes);
                return true;
            }
            // The Engine waits with the rest, as the command does.
            changed_.wait_for(lock, std::chrono::milliseconds(100));
            if (stopping_->load()) return false;
        }
        if (gate_ == Gate::shut) return false;
    }
    if (!early_.empty()) {
        const std::string early = std::exchange(early_, {});
        if (!pass_on(early)) return false;
    }
    return pass_on(bytes);
}

bool ExecSession::pass_on(std::string_view bytes) {
    if (request_.tty) return stream_.write(ACP_CHANNEL_STDOUT, bytes);
    return frames_.feed(bytes, [&](Channel channel, std::string_view piece) {
        return stream_.write(channel == Channel::err ? ACP_CHANNEL_STDERR : ACP_CHANNEL_STDOUT, piece);
    });
}

int ExecSession::pull(std::string_view& out) {
    constexpr int kBytes = 0, kHalfClose = 1, kNothing = 2;
    if (gate_ != Gate::open) return kNothing;
    // Asked again means that the socket has taken what it was given.
    if (sending_from_listener_ > 0) stream_.consumed(std::exchange(sending_from_listener_, 0));
    ExecInput::Taken taken = input_->take();
    if (taken.width > 0) resize(taken.width, taken.height);
    if (!taken.bytes.empty()) {
        sending_ = std::move(taken.bytes);
        sending_from_listener_ = sending_.size();
        out = sending_;
        return kBytes;
    }
    // Without standard input there is nothing to close, and a terminal still takes new sizes.
    return taken.end && request_.want_stdin ? kHalfClose : kNothing;
}

void ExecSession::resize(int width, int height) {
    const OwnCall own(kInspectSeconds);
    Ask ask;
    ask.method = "POST";
    ask.path = "/exec/" + exec_id_ + "/resize?h=" + std::to_string(height) + "&w=" + std::to_string(width);
    try {
        engine_.ask(own.call(), ask);
    } catch (const Failure&) {
        // A command that has ended has no terminal.
    }
}

ExecSession::Outcome ExecSession::outcome(const sdk::Call& call) {
    const json::Object::Ptr body = engine_.get_object(call, "/exec/" + exec_id_ + "/json");
    Outcome out;
    out.running = json::boolean(body, "Running");
    out.known = !body->get("ExitCode").isEmpty();
    out.exit_code = json::integer(body, "ExitCode");
    // The Engine reports what it could not execute as an exit code; no process had it.
    const bool had_process = json::integer(body, "Pid") > 0;
    out.started = had_process || (out.known && out.exit_code != kNotExecutable && out.exit_code != kNotFound);
    return out;
}

void ExecSession::await_start(const sdk::Call& call) {
    const auto shut = [&] {
        const std::lock_guard lock(mutex_);
        gate_ = Gate::shut;
        changed_.notify_all();
    };
    try {
        for (;;) {
            bool ended = false;
            {
                std::unique_lock lock(mutex_);
                changed_.wait_for(lock, kPoll, [&] { return ended_; });
                ended = ended_;
                if (error_) std::rethrow_exception(error_);
            }
            const Outcome now = outcome(call);
            if (now.started) return;
            if (ended && now.known) {
                const std::lock_guard lock(mutex_);
                throw Failure(ACP_E_INVALID, "the command cannot be started: " + reason_of(early_, request_.tty));
            }
            if (ended) throw Failure(ACP_E_PROVIDER, "the Docker Engine ended the command without an exit code");
        }
    } catch (...) {
        shut();
        throw;
    }
}

void ExecSession::attach(sdk::Stream stream) {
    stream_ = std::move(stream);
    ExecInput::listen(input_, stream_);
    const std::lock_guard lock(mutex_);
    gate_ = Gate::open;
    changed_.notify_all();
}

void ExecSession::finish() {
    if (!early_.empty()) pass_on(std::exchange(early_, {}));
    if (stream_.closed()) return;
    if (!request_.tty && !frames_.at_boundary())
        throw Failure(ACP_E_PROVIDER, "the Docker Engine cut the command's output short");
    // The connection ends a little before the exit code is known.
    const OwnCall own(kInspectSeconds);
    Outcome now = outcome(own.call());
    while (now.running || !now.known) {
        if (over()) return;
        std::this_thread::sleep_for(kPoll);
        now = outcome(own.call());
    }
    stream_.write(ACP_CHANNEL_STATUS, status_document(now.exit_code));
    stream_.finish();
}

}  // namespace acp::docker
