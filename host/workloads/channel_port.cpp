#include "workloads/channel_port.h"

#include <algorithm>

#include "workloads/exec_status.h"

namespace acp::workloads {

namespace {

constexpr std::size_t kStatusBytes = 4096;

}  // namespace

ChannelPort::ChannelPort(stream::Ref stream, Options options, std::function<void(const Totals&)> done)
    : stream_(std::move(stream)), options_(options), done_(std::move(done)), stdin_open_(options.takes_stdin) {}

ChannelPort::~ChannelPort() {
    if (!done_) return;
    stream_->close(ACP_CLOSE_LISTENER);
    finish("listener_gone");
}

http::MessagePort::Pulled ChannelPort::pull(http::Message& out) {
    stream::Chunk chunk;
    switch (stream_->pull(chunk)) {
        case stream::Stream::Pulled::empty:
            return Pulled::empty;
        case stream::Stream::Pulled::ended:
            return pull_end(out) ? Pulled::message : Pulled::ended;
        case stream::Stream::Pulled::chunk:
            break;
    }
    if (chunk.channel == ACP_CHANNEL_STDOUT) totals_.stdout_bytes += chunk.bytes.size();
    if (chunk.channel == ACP_CHANNEL_STDERR) totals_.stderr_bytes += chunk.bytes.size();
    if (chunk.channel == ACP_CHANNEL_STATUS) {
        status_sent_ = true;
        totals_.status.append(chunk.bytes, 0, kStatusBytes - std::min(kStatusBytes, totals_.status.size()));
    }
    out.text = false;
    out.bytes.assign(1, static_cast<char>(chunk.channel));
    out.bytes += chunk.bytes;
    return Pulled::message;
}

/// The end of the stream; true when a Status document has to go first.
bool ChannelPort::pull_end(http::Message& out) {
    const auto failure = stream_->failure();
    failed_ = failure.has_value();
    if (status_sent_) {
        finish(failed_ ? "failed" : "finished");
        return false;
    }
    status_sent_ = true;
    totals_.status = failure ? status_failure(*failure) : status_success();
    out.text = false;
    out.bytes.assign(1, static_cast<char>(ACP_CHANNEL_STATUS));
    out.bytes += totals_.status;
    return true;
}

bool ChannelPort::ready() {
    while (waiting_at_ < waiting_.size()) {
        const std::uint64_t credit = stream_->input_credit();
        if (credit == 0) return false;
        const auto piece = std::string_view(waiting_).substr(waiting_at_, static_cast<std::size_t>(credit));
        if (!stream_->push(waiting_channel_, piece)) break;  // the stream has closed; its end follows
        waiting_at_ += piece.size();
    }
    waiting_.clear();
    waiting_at_ = 0;
    return true;
}

bool ChannelPort::push(bool, std::string_view bytes) {
    if (bytes.empty()) return false;
    const auto channel = static_cast<std::uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    switch (channel) {
        case ACP_CHANNEL_STDIN:
            if (!stdin_open_) return false;
            totals_.stdin_bytes += bytes.size();
            break;
        case ACP_CHANNEL_RESIZE:
            if (!options_.takes_resize) return true;  // no terminal: nothing to resize
            break;
        case ACP_CHANNEL_CLOSE:
            if (!options_.half_close || bytes.size() != 1) return false;
            if (bytes.front() == ACP_CHANNEL_STDIN && stdin_open_) {
                stdin_open_ = false;
                stream_->push(ACP_CHANNEL_CLOSE, bytes);
            }
            return true;
        default:
            return false;
    }
    waiting_channel_ = channel;
    waiting_.assign(bytes);
    ready();
    return true;
}

void ChannelPort::cancel(int reason) {
    stream_->close(reason);
    finish(reason == ACP_CLOSE_SHUTDOWN ? "shutdown" : "listener_gone");
}

void ChannelPort::finish(std::string ended) {
    if (!done_) return;
    totals_.ended = std::move(ended);
    std::exchange(done_, nullptr)(totals_);
}

http::MessagePort::Pulled LinePort::pull(http::Message& out) {
    for (;;) {
        if (const std::size_t end = lines_.find('\n', at_); end != std::string::npos) {
            out.text = true;
            out.bytes.assign(lines_, at_, end - at_);
            at_ = end + 1;
            return Pulled::message;
        }
        lines_.erase(0, at_);
        at_ = 0;
        if (!source_) return Pulled::ended;
        switch (source_->pull(lines_)) {
            case http::BodySource::Pulled::more:
                break;
            case http::BodySource::Pulled::empty:
                if (lines_.find('\n') == std::string::npos) return Pulled::empty;
                break;
            case http::BodySource::Pulled::failed:
                failed_ = true;
                [[fallthrough]];
            case http::BodySource::Pulled::ended:
                source_.reset();
                break;
        }
    }
}

void LinePort::cancel(int reason) {
    if (auto source = std::move(source_)) source->cancel(reason);
}

}  // namespace acp::workloads
