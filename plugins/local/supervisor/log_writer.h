// local supervisor: the log of one replica, as lines in size-rotated files.
//
// A record is one line: `<RFC 3339, nanoseconds, UTC> stdout|stderr <text>\n`.
// Times rise strictly within a replica. Text longer than 16 KiB is split; every
// piece that goes on in the stream's next record ends in kContinued.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "files.h"

namespace acp::local {

inline constexpr std::size_t kLineMax = 16 * 1024;
inline constexpr std::string_view kContinued = " [...]";

class LogWriter {
public:
    /// Appends to `<folder>/log`. Throws std::system_error when that cannot be opened.
    LogWriter(std::string folder, std::int64_t max_bytes, std::int64_t files);

    /// Adds one record; it reaches the file with `flush`.
    void add(std::string_view stream, std::string_view text, bool continued);
    /// Writes what was added. A full disk loses records rather than stopping
    /// the process that is logged; the loss is counted and told in the log.
    void flush();
    std::int64_t lost() const noexcept { return lost_; }

private:
    void open();
    void rotate();
    void append(std::string_view stream, std::string_view text, bool continued);
    void append_stamp();

    std::string folder_;
    std::int64_t max_bytes_, files_;
    Fd fd_;
    std::int64_t size_ = 0;
    std::string pending_;
    std::int64_t pending_records_ = 0;
    std::int64_t last_ns_ = 0;
    std::int64_t lost_ = 0;
    std::int64_t untold_ = 0;  // lost, and no record in the file says so yet
    bool telling_ = false;     // `pending_` says so
};

/// Cuts one stream of bytes into records.
class LineSplitter {
public:
    LineSplitter(LogWriter& log, std::string_view stream) : log_(log), stream_(stream) {}
    void feed(std::string_view bytes);
    /// The stream ended: what has no line end becomes a record too.
    void end();

private:
    void emit(std::string_view line);
    LogWriter& log_;
    std::string_view stream_;
    std::string partial_;
};

}  // namespace acp::local
