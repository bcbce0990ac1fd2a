// ledger: the lock that makes one process the owner of a database file.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace acp::ledger {

/// An flock on a file beside the database; the kernel drops it when the
/// process ends, however it ends. The file holds the owner's pid and stays.
class LockFile {
public:
    /// Code::conflict, `ledger_in_use`, names the process that holds it.
    static Result<LockFile> acquire(const std::string& path);

private:
    explicit LockFile(UniqueFd fd) : fd_(std::move(fd)) {}
    UniqueFd fd_;
};

}  // namespace acp::ledger
