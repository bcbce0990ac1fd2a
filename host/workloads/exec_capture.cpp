#include "workloads/exec_capture.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "base/bytes.h"
#include "base/clock.h"
#include "workloads/exec_status.h"

namespace acp::workloads {

namespace {

/// Wakes the collecting thread; shared with the stream, which may wake it late.
struct Bell {
    std::mutex mutex;
    std::condition_variable rung;
    bool pending = false;

    void ring() {
        std::lock_guard lock(mutex);
        pending = true;
        rung.notify_one();
    }
    /// False after `ms` without a ring.
    bool wait(std::int64_t ms) {
        std::unique_lock lock(mutex);
        const bool was = rung.wait_for(lock, std::chrono::milliseconds(ms), [this] { return pending; });
        pending = false;
        return was;
    }
};

struct Output {
    std::string kept;
    std::uint64_t size = 0;

    void add(std::string_view bytes, std::size_t limit) {
        size += bytes.size();
        kept.append(bytes.substr(0, limit - std::min(limit, kept.size())));
    }
    bool truncated() const noexcept { return size > kept.size(); }
};

/// Sends what the plugin has window for; false after the end of the input.
bool feed(stream::Stream& stream, std::string_view& input) {
    const auto piece = input.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(stream.input_credit(), input.size())));
    if (!piece.empty()) stream.push(ACP_CHANNEL_STDIN, piece);
    input.remove_prefix(piece.size());
    if (!input.empty()) return true;
    stream.push(ACP_CHANNEL_CLOSE, std::string_view("\0", 1));
    return false;
}

json::Object::Ptr digest_of(const Output& output) {
    return json::object({{"bytes", output.size}, {"sha256", sha256_hex(output.kept)}, {"truncated", output.truncated()}});
}

}  // namespace

Result<Performed> exec_to_end(const plugins::Provider& provider, const plugins::CallContext& call, const std::string& id, const ExecCommand& command) {
    auto stream = stream::Ref::make({});
    auto bell = std::make_shared<Bell>();
    stream->attach([bell] { bell->ring(); });
    if (auto opened = provider.exec(call, id, command.request, stream); !opened) return fail(opened.error());
    std::string_view input = command.input;
    bool input_open = command.request.want_stdin;
    Output out, err;
    std::string status_text;
    for (;;) {
        if (input_open) input_open = feed(*stream, input);
        stream::Chunk chunk;
        auto pulled = stream->pull(chunk);
        if (pulled == stream::Stream::Pulled::chunk) {
            if (chunk.channel == ACP_CHANNEL_STDOUT) out.add(chunk.bytes, command.output_bytes);
            if (chunk.channel == ACP_CHANNEL_STDERR) err.add(chunk.bytes, command.output_bytes);
            if (chunk.channel == ACP_CHANNEL_STATUS && status_text.size() < 4096) status_text += chunk.bytes;
            continue;
        }
        if (pulled == stream::Stream::Pulled::ended) break;
        if (call.cancelled && call.cancelled()) {
            stream->close(ACP_CLOSE_HALTED);
            return fail(Code::cancelled, "cancelled", "the command was cancelled and killed");
        }
        if (call.deadline_mono_ns != 0 && monotonic_ns() > call.deadline_mono_ns) {
            stream->close(ACP_CLOSE_DEADLINE);
            return fail(Code::deadline, "deadline_exceeded", "the command did not end in time and was killed");
        }
        bell->wait(100);
    }
    if (auto failure = stream->failure()) return fail(*failure);
    std::string message;
    const int code = exit_code(status_text, message);
    Performed performed;
    performed.response = json::object({{"exit_code", code},
                                       {"stdout", repair_utf8(out.kept)},
                                       {"stderr", repair_utf8(err.kept)},
                                       {"stdout_truncated", out.truncated()},
                                       {"stderr_truncated", err.truncated()}});
    if (!message.empty()) performed.response->set("message", message);
    performed.record = json::object({{"exit_code", code}, {"stdout", digest_of(out)}, {"stderr", digest_of(err)}});
    return performed;
}

}  // namespace acp::workloads
