#include "log_lines.h"

#include "alphaswarm-cp/stream.h"
#include "timestamp.h"

namespace acp::docker {

bool LogLines::take(std::string_view bytes) {
    pending_[0].channel = ACP_CHANNEL_STDOUT;
    pending_[1].channel = ACP_CHANNEL_STDERR;
    return frames_.feed(bytes, [&](Channel channel, std::string_view piece) {
        return add(pending_[channel == Channel::err ? 1 : 0], piece);
    });
}

void LogLines::flush() {
    for (Pending& pending : pending_)
        if (!pending.line.empty() && !emit(pending)) return;
}

bool LogLines::add(Pending& pending, std::string_view piece) {
    while (!piece.empty()) {
        const std::size_t end = piece.find('\n');
        std::string_view part = piece.substr(0, end);
        while (pending.line.size() + part.size() > kLineMax) {
            // The rest goes on as a line of the same time.
            const std::size_t room = kLineMax - pending.line.size();
            pending.line.append(part.substr(0, room));
            part.remove_prefix(room);
            const std::string time = pending.line.substr(0, pending.line.find(' ') + 1);
            if (!emit(pending)) return false;
            pending.line = time.size() < 64 ? time : std::string();
        }
        pending.line.append(part);
        if (end == std::string_view::npos) return true;
        if (!emit(pending)) return false;
        piece.remove_prefix(end + 1);
    }
    return true;
}

bool LogLines::emit(Pending& pending) {
    const std::size_t space = pending.line.find(' ');
    const std::string_view time = std::string_view(pending.line).substr(0, space);
    const std::string_view text =
        space == std::string::npos ? std::string_view() : std::string_view(pending.line).substr(space + 1);
    const std::int64_t at = parse_timestamp(time);
    if (at > last_ns_) last_ns_ = at;
    std::string line;
    line.reserve(time.size() + replica_.size() + text.size() + 3);
    line.append(time).append(" ").append(replica_).append(" ").append(text).append("\n");
    pending.line.clear();
    return write_(pending.channel, line);
}

}  // namespace acp::docker
