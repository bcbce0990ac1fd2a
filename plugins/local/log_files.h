// local: reading the log of one replica (the format is that of supervisor/log_writer.h).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <filesystem>
#include <string>
#include <vector>

#include "files.h"

namespace acp::local {

struct LogRecord {
    std::int64_t unix_ns = 0;
    bool is_stderr = false;
    std::string stamp;  // as written, RFC 3339 with nanoseconds
    std::string text;
};

/// A place in the rotated files of one replica, moving forward. Files stay
/// open, so a rotation while reading loses nothing that was there at the start.
class LogCursor {
public:
    explicit LogCursor(std::filesystem::path replica_folder);

    /// Starts at the last `lines` of what exists now; how many those are.
    std::uint64_t keep_last(std::uint64_t lines);
    /// The next record of those that existed when the cursor was made.
    bool next_past(LogRecord& record) { return next(record, true); }
    /// The next record, following rotations; false when there is none yet.
    bool next_now(LogRecord& record) { return next(record, false); }

private:
    struct Part {
        Fd fd;
        ::ino_t inode = 0;
        ::off_t end = 0;  // size when it was opened
    };
    static std::deque<Part> open_parts(const std::filesystem::path& folder);
    bool next(LogRecord& record, bool past);
    bool fill(bool past);
    bool follow_rotation();
    void leave_part();

    std::filesystem::path folder_;
    std::deque<Part> parts_;  // oldest first; the front is being read
    ::off_t offset_ = 0;      // of the next read in the front part
    std::string buffer_;
    std::size_t used_ = 0;         // of buffer_
    bool front_complete_ = false;  // the front part is known not to grow any more
    std::int64_t last_ns_ = 0;
};

}  // namespace acp::local
