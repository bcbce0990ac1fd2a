// workloads: log lines from a provider's stream, framed for the listener.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "http/response.h"
#include "stream/stream.h"

namespace acp::workloads {

/// server-sent events (with ids for Last-Event-ID), one JSON object per line,
/// or the lines as the provider wrote them.
enum class LogFormat { sse, ndjson, text };

/// By the request's Accept field; SSE unless something else is asked for.
LogFormat log_format(std::string_view accept) noexcept;
std::string_view media_type(LogFormat format) noexcept;

/// Splits "<time> <replica> <text>"; false when a line has another shape.
bool split_line(std::string_view line, std::string_view& time, std::string_view& replica, std::string_view& text) noexcept;

class LogSource final : public http::BodySource {
public:
    struct Totals {
        std::uint64_t lines = 0;
        std::uint64_t bytes = 0;
        std::string ended;  ///< finished, listener_gone, failed, shutdown
    };
    /// `done` is called once, on the listener's loop, when the stream is over.
    LogSource(stream::Ref stream, LogFormat format, std::string path, std::string request_id, std::function<void(Totals)> done);
    ~LogSource() override;

    void attach(std::function<void()> wake) override { stream_->attach(std::move(wake)); }
    Pulled pull(std::string& out) override;
    void heartbeat(std::string& out) override;
    std::int64_t heartbeat_ms() const override { return format_ == LogFormat::sse ? 15'000 : 0; }
    void cancel(int reason) override;

private:
    void frame(std::uint8_t channel, std::string_view line, std::string& out);
    void frame_whole_lines(std::uint8_t channel, std::string& pending, std::string& out);
    void finish(std::string ended);

    stream::Ref stream_;
    const LogFormat format_;
    const std::string path_;
    const std::string request_id_;
    std::function<void(Totals)> done_;
    std::string stdout_rest_, stderr_rest_;
    Totals totals_;
};

}  // namespace acp::workloads
