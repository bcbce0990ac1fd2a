#include "workloads/log_source.h"

#include "base/bytes.h"
#include "http/problem.h"
#include "json/json.h"

namespace acp::workloads {

namespace {

/// A longer line goes out in parts.
constexpr std::size_t kLineBytes = 256 * 1024;

}  // namespace

LogFormat log_format(std::string_view accept) noexcept {
    if (accept.find("application/x-ndjson") != std::string_view::npos) return LogFormat::ndjson;
    if (accept.find("text/plain") != std::string_view::npos) return LogFormat::text;
    return LogFormat::sse;
}

std::string_view media_type(LogFormat format) noexcept {
    switch (format) {
        case LogFormat::ndjson: return "application/x-ndjson";
        case LogFormat::text: return "text/plain; charset=utf-8";
        case LogFormat::sse: break;
    }
    return "text/event-stream";
}

bool split_line(std::string_view line, std::string_view& time, std::string_view& replica, std::string_view& text) noexcept {
    auto first = line.find(' ');
    if (first == std::string_view::npos) return false;
    auto second = line.find(' ', first + 1);
    if (second == std::string_view::npos) return false;
    time = line.substr(0, first);
    replica = line.substr(first + 1, second - first - 1);
    text = line.substr(second + 1);
    return true;
}

LogSource::LogSource(stream::Ref stream, LogFormat format, std::string path, std::string request_id, std::function<void(Totals)> done)
    : stream_(std::move(stream)), format_(format), path_(std::move(path)), request_id_(std::move(request_id)), done_(std::move(done)) {}

LogSource::~LogSource() {
    if (!done_) return;
    stream_->close(ACP_CLOSE_LISTENER);
    finish("listener_gone");
}

http::BodySource::Pulled LogSource::pull(std::string& out) {
    stream::Chunk chunk;
    switch (stream_->pull(chunk)) {
        case stream::Stream::Pulled::empty: return Pulled::empty;
        case stream::Stream::Pulled::chunk: {
            totals_.bytes += chunk.bytes.size();
            std::string& rest = chunk.channel == ACP_CHANNEL_STDERR ? stderr_rest_ : stdout_rest_;
            rest += chunk.bytes;
            frame_whole_lines(chunk.channel, rest, out);
            if (rest.size() > kLineBytes) {
                // A provider that writes no line ends must not fill the memory.
                frame(chunk.channel, rest, out);
                rest.clear();
            }
            return Pulled::more;
        }
        case stream::Stream::Pulled::ended: break;
    }
    for (auto* rest : {&stdout_rest_, &stderr_rest_})
        if (!rest->empty()) frame(rest == &stderr_rest_ ? ACP_CHANNEL_STDERR : ACP_CHANNEL_STDOUT, *rest, out);
    const auto failure = stream_->failure();
    if (format_ == LogFormat::sse) {
        // The connection ends well either way: what went wrong is an event.
        out += failure ? "event: error\ndata: " + http::problem_json(*failure, http::status_of(failure->code), path_, request_id_) + "\n\n"
                       : std::string("event: end\ndata: {}\n\n");
    }
    finish(failure ? "failed" : "finished");
    return failure && format_ != LogFormat::sse ? Pulled::failed : Pulled::ended;
}

void LogSource::frame_whole_lines(std::uint8_t channel, std::string& pending, std::string& out) {
    std::size_t at = 0;
    for (std::size_t end = pending.find('\n'); end != std::string::npos; end = pending.find('\n', at)) {
        frame(channel, std::string_view(pending).substr(at, end - at), out);
        at = end + 1;
    }
    pending.erase(0, at);
}

void LogSource::frame(std::uint8_t channel, std::string_view line, std::string& out) {
    ++totals_.lines;
    if (format_ == LogFormat::text) {
        out += line;
        out += '\n';
        return;
    }
    std::string repaired;
    if (!is_utf8(line)) line = repaired = repair_utf8(line);  // JSON has no other text
    std::string_view time, replica, text;
    if (!split_line(line, time, replica, text)) text = line;
    if (format_ == LogFormat::sse) {
        if (!time.empty()) out.append("id: ").append(time).append("\n");
        out += "event: log\ndata: ";
    }
    out += R"({"time":)";
    json::append_quoted(out, time);
    out += R"(,"replica":)";
    json::append_quoted(out, replica);
    out += channel == ACP_CHANNEL_STDERR ? R"(,"stream":"stderr","text":)" : R"(,"stream":"stdout","text":)";
    json::append_quoted(out, text);
    out += format_ == LogFormat::sse ? "}\n\n" : "}\n";
}

void LogSource::heartbeat(std::string& out) { out += ": still here\n\n"; }

void LogSource::cancel(int reason) {
    stream_->close(reason);
    finish(reason == ACP_CLOSE_SHUTDOWN ? "shutdown" : "listener_gone");
}

void LogSource::finish(std::string ended) {
    if (!done_) return;
    totals_.ended = std::move(ended);
    std::exchange(done_, nullptr)(totals_);
}

}  // namespace acp::workloads
