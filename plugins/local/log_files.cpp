#include "log_files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <ctime>
#include <memory>
#include <optional>
#include <string_view>

#include "run_file.h"

namespace acp::local {

namespace {

constexpr std::size_t kBlock = 64 * 1024;
constexpr std::size_t kLineBound = 256 * 1024;  // beyond every record the supervisor writes
constexpr std::size_t kStamp = 30;              // 2026-01-31T08:15:00.123456789Z
constexpr std::string_view kStampShape = "dddd-dd-ddTdd:dd:dd.dddddddddZ";

std::optional<std::int64_t> stamp_ns(std::string_view stamp) {
    for (std::size_t i = 0; i < kStamp; ++i) {
        const bool digit = stamp[i] >= '0' && stamp[i] <= '9';
        if (kStampShape[i] == 'd' ? !digit : stamp[i] != kStampShape[i]) return std::nullopt;
    }
    const auto number = [&](std::size_t at, std::size_t length) {
        int value = 0;
        std::from_chars(stamp.data() + at, stamp.data() + at + length, value);
        return value;
    };
    std::tm utc{};
    utc.tm_year = number(0, 4) - 1900;
    utc.tm_mon = number(5, 2) - 1;
    utc.tm_mday = number(8, 2);
    utc.tm_hour = number(11, 2);
    utc.tm_min = number(14, 2);
    utc.tm_sec = number(17, 2);
    return std::int64_t{::timegm(&utc)} * 1'000'000'000 + number(20, 9);
}

// False for a line that no supervisor wrote.
bool parse(std::string_view line, LogRecord& record) {
    if (line.size() < kStamp + 8) return false;
    const auto ns = stamp_ns(line.substr(0, kStamp));
    const auto stream = line.substr(kStamp, 8);
    if (!ns || (stream != " stdout " && stream != " stderr ")) return false;
    record.unix_ns = *ns;
    record.is_stderr = stream == " stderr ";
    record.stamp = line.substr(0, kStamp);
    record.text = line.substr(kStamp + 8);
    return true;
}

// Offset after the line end that is `lines` + 1 from the end, counting down
// `lines`; 0 when there are fewer.
::off_t seek_back(int fd, ::off_t end, std::uint64_t& lines) {
    const auto block = std::make_unique<char[]>(kBlock);
    bool first = true;  // the last line's own end is not a beginning
    while (end > 0) {
        const auto want = static_cast<std::size_t>(std::min<::off_t>(end, kBlock));
        const ssize_t got = ::pread(fd, block.get(), want, end - static_cast<::off_t>(want));
        if (got != static_cast<ssize_t>(want)) return 0;
        for (std::size_t i = want; i > 0; --i) {
            if (block[i - 1] != '\n') continue;
            if (!std::exchange(first, false)) --lines;
            if (lines == 0) return end - static_cast<::off_t>(want - i);
        }
        end -= static_cast<::off_t>(want);
    }
    if (!first) --lines;
    return 0;
}

}  // namespace

LogCursor::LogCursor(std::filesystem::path replica_folder)
    : folder_(std::move(replica_folder)), parts_(open_parts(folder_)) {}

std::deque<LogCursor::Part> LogCursor::open_parts(const std::filesystem::path& folder) {
    const std::string path = folder / kLogFile;
    for (int attempt = 0;; ++attempt) {
        std::deque<Part> parts;
        for (int n = 0;; ++n) {
            Part part{
                Fd(::open((n == 0 ? path : path + "." + std::to_string(n)).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)),
                0, 0};
            if (!part.fd && n > 0) break;
            struct stat info {};
            if (!part.fd || ::fstat(part.fd.get(), &info) != 0) continue;
            part.inode = info.st_ino;
            part.end = info.st_size;
            parts.push_front(std::move(part));
        }
        // A rotation between two opens would show a file twice or not at all.
        struct stat now {};
        const bool there = ::stat(path.c_str(), &now) == 0;
        const bool steady = there ? !parts.empty() && parts.back().inode == now.st_ino : parts.empty();
        if (steady || attempt == 20) return parts;
    }
}

std::uint64_t LogCursor::keep_last(std::uint64_t lines) {
    std::uint64_t left = lines;
    for (std::size_t i = parts_.size(); i > 0; --i) {
        Part& part = parts_[i - 1];
        const ::off_t start = lines == 0 ? part.end : seek_back(part.fd.get(), part.end, left);
        if (left > 0 && i > 1) continue;
        parts_.erase(parts_.begin(), parts_.begin() + static_cast<std::ptrdiff_t>(i - 1));
        offset_ = start;
        break;
    }
    return lines - left;
}

bool LogCursor::next(LogRecord& record, bool past) {
    for (;;) {
        const auto line_end = buffer_.find('\n', used_);
        if (line_end != std::string::npos) {
            const bool good = parse(std::string_view(buffer_).substr(used_, line_end - used_), record);
            used_ = line_end + 1;
            if (!good) continue;
            // Never back in time within a replica, whatever the clock did.
            last_ns_ = record.unix_ns = std::max(last_ns_, record.unix_ns);
            return true;
        }
        if (!fill(past)) return false;
    }
}

// More bytes in the buffer, or the next part; false when there is neither.
bool LogCursor::fill(bool past) {
    buffer_.erase(0, std::exchange(used_, 0));
    if (buffer_.size() > kLineBound) buffer_.clear();
    if (parts_.empty()) {
        if (past) return false;
        parts_ = open_parts(folder_);
        offset_ = 0;
        return !parts_.empty();
    }
    Part& front = parts_.front();
    auto want = static_cast<::off_t>(kBlock);
    if (past) want = std::min(want, front.end - offset_);
    if (want > 0) {
        const auto before = buffer_.size();
        buffer_.resize(before + static_cast<std::size_t>(want));
        const ssize_t got = ::pread(front.fd.get(), buffer_.data() + before, static_cast<std::size_t>(want), offset_);
        buffer_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
        offset_ += std::max<ssize_t>(got, 0);
        if (got > 0) return true;
    }
    if (parts_.size() > 1) {
        leave_part();
        return true;
    }
    return !past && follow_rotation();
}

void LogCursor::leave_part() {
    parts_.pop_front();
    buffer_.clear();
    offset_ = 0;
    front_complete_ = false;
}

bool LogCursor::follow_rotation() {
    struct stat now {};
    const auto inode = parts_.front().inode;
    // No file: the writer is between rename and open.
    if (::stat((folder_ / kLogFile).c_str(), &now) != 0 || now.st_ino == inode) return false;
    // The writer went on, so the front is complete now; it may not have been
    // when it was read to its end: read once more.
    if (!std::exchange(front_complete_, true)) return true;
    auto parts = open_parts(folder_);
    const auto same = std::find_if(parts.begin(), parts.end(), [&](const Part& part) { return part.inode == inode; });
    // Not there any more: rotated away; then all that exists is newer.
    if (same != parts.end()) parts.erase(parts.begin(), same + 1);
    if (parts.empty()) return false;
    leave_part();
    parts_ = std::move(parts);
    return true;
}

}  // namespace acp::local
