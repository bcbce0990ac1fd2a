#include "log_writer.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <system_error>

#include "run_file.h"

namespace acp::local {

LogWriter::LogWriter(std::string folder, std::int64_t max_bytes, std::int64_t files)
    : folder_(std::move(folder)), max_bytes_(max_bytes), files_(files) {
    open();
    if (!fd_) throw std::system_error(errno, std::generic_category(), "cannot open the log in " + folder_);
}

void LogWriter::open() {
    const std::string path = folder_ + "/" + kLogFile;
    fd_.reset(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
    struct stat info {};
    size_ = fd_ && ::fstat(fd_.get(), &info) == 0 ? info.st_size : 0;
}

void LogWriter::rotate() {
    const std::string path = folder_ + "/" + kLogFile;
    const auto numbered = [&](std::int64_t n) { return n == 0 ? path : path + "." + std::to_string(n); };
    if (files_ == 1) ::unlink(path.c_str());
    for (std::int64_t n = files_ - 1; n > 0; --n) ::rename(numbered(n - 1).c_str(), numbered(n).c_str());
    open();
}

void LogWriter::append_stamp() {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    // Strictly rising, so that "after this record" names exactly the later ones.
    last_ns_ = std::max(last_ns_ + 1, std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec);
    const std::time_t seconds = last_ns_ / 1'000'000'000;
    std::tm utc{};
    ::gmtime_r(&seconds, &utc);
    char text[48];
    const auto length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    std::snprintf(text + length, sizeof text - length, ".%09ldZ ", static_cast<long>(last_ns_ % 1'000'000'000));
    pending_ += text;
}

void LogWriter::add(std::string_view stream, std::string_view text, bool continued) {
    if (untold_ > 0 && !telling_) {
        append("stderr", std::to_string(untold_).append(" log records lost here: the log was not writable"), false);
        telling_ = true;
    }
    append(stream, text, continued);
    ++pending_records_;
}

void LogWriter::append(std::string_view stream, std::string_view text, bool continued) {
    constexpr std::size_t frame = 48;  // stamp, stream name, spaces, line end
    const auto after = static_cast<std::int64_t>(pending_.size() + text.size() + frame) + size_;
    if (after > max_bytes_ && (size_ > 0 || !pending_.empty())) {
        flush();
        rotate();
    }
    append_stamp();
    pending_.append(stream).append(" ").append(text);
    if (continued) pending_ += kContinued;
    pending_ += '\n';
}

void LogWriter::flush() {
    if (pending_.empty()) return;
    if (!fd_) open();
    if (fd_ && write_all(fd_.get(), pending_)) {
        size_ += static_cast<std::int64_t>(pending_.size());
        if (telling_) untold_ = 0;
    } else {
        // Half a record may be there: cut it off, so that the file holds whole lines.
        if (fd_) (void)!::ftruncate(fd_.get(), size_);
        lost_ += pending_records_;
        untold_ += pending_records_;
    }
    telling_ = false;
    pending_.clear();
    pending_records_ = 0;
}

void LineSplitter::feed(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto line_end = bytes.find('\n');
        const bool whole = line_end != std::string_view::npos;
        partial_.append(bytes.substr(0, line_end));
        bytes.remove_prefix(whole ? line_end + 1 : bytes.size());
        std::size_t done = 0;
        while (partial_.size() - done > kLineMax) {
            log_.add(stream_, std::string_view(partial_).substr(done, kLineMax), true);
            done += kLineMax;
        }
        partial_.erase(0, done);
        if (whole) {
            emit(partial_);
            partial_.clear();
        }
    }
}

void LineSplitter::emit(std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    log_.add(stream_, line, false);
}

void LineSplitter::end() {
    if (!partial_.empty()) emit(partial_);
    partial_.clear();
}

}  // namespace acp::local
