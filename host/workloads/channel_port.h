// workloads: a provider's stream as messages of `v5.channel.k8s.io` or
// `v4.channel.k8s.io`: the first byte of each names the channel.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "http/message_port.h"
#include "http/response.h"
#include "stream/stream.h"

namespace acp::workloads {

/// What this side speaks, best first. v5 can end standard input alone, v4 not.
inline constexpr std::string_view kChannelV5 = "v5.channel.k8s.io";
inline constexpr std::string_view kChannelV4 = "v4.channel.k8s.io";

class ChannelPort final : public http::MessagePort {
public:
    struct Totals {
        std::uint64_t stdin_bytes = 0, stdout_bytes = 0, stderr_bytes = 0;
        std::string status;  ///< the Status document
        std::string ended;   ///< finished, listener_gone, failed, shutdown
    };
    struct Options {
        bool half_close = false;  ///< v5
        bool takes_stdin = false;
        bool takes_resize = false;
    };
    /// `done` is called once, on the listener's loop, when the stream is over.
    ChannelPort(stream::Ref stream, Options options, std::function<void(const Totals&)> done);
    ~ChannelPort() override;

    void attach(std::function<void()> wake) override { stream_->attach(std::move(wake)); }
    Pulled pull(http::Message& out) override;
    std::uint16_t close_code() const override { return failed_ ? 1011 : 1000; }
    bool ready() override;
    bool push(bool text, std::string_view bytes) override;
    void cancel(int reason) override;

private:
    bool pull_end(http::Message& out);
    void finish(std::string ended);

    stream::Ref stream_;
    const Options options_;
    std::function<void(const Totals&)> done_;
    Totals totals_;
    std::string waiting_;  ///< input that the plugin has no window for yet
    std::size_t waiting_at_ = 0;
    std::uint8_t waiting_channel_ = 0;
    bool stdin_open_;
    bool status_sent_ = false;
    bool failed_ = false;
};

/// Lines of a body source, a text message each: logs for those who ask for
/// WebSocket without a subprotocol.
class LinePort final : public http::MessagePort {
public:
    explicit LinePort(std::unique_ptr<http::BodySource> source) : source_(std::move(source)) {}
    void attach(std::function<void()> wake) override { source_->attach(std::move(wake)); }
    Pulled pull(http::Message& out) override;
    std::uint16_t close_code() const override { return failed_ ? 1011 : 1000; }
    bool ready() override { return true; }
    bool push(bool, std::string_view) override { return false; }  // there is nothing to tell it
    void cancel(int reason) override;

private:
    std::unique_ptr<http::BodySource> source_;
    std::string lines_;
    std::size_t at_ = 0;
    bool failed_ = false;
};

}  // namespace acp::workloads
