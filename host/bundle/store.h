// bundle: the private, content-addressed store that plugins are loaded from.
// An entry <store>/<sha256 of manifest.yaml>/ holds manifest.yaml and the files
// it lists, read-only. Nobody but this process's user may enter the store.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace acp::bundle {

/// Removes an entry, whose folders are read-only, as far as it can be.
void remove_tree(const std::filesystem::path& path);

/// A folder in the store that is being filled. Gone with the object unless it
/// was put in place.
class Draft {
public:
    Draft(Draft&& other) noexcept : folder_(std::move(other.folder_)), file_(std::move(other.file_)) {
        other.folder_.clear();
    }
    Draft& operator=(Draft&&) = delete;
    ~Draft();

    /// One file at a time: begin, write, end. Its folders are made; `name` has
    /// passed name_fault. Mode 0500 or 0400, durable after end. Blocking.
    Result<void> begin(const std::string& name, bool is_exec);
    Result<void> write(std::string_view bytes);
    Result<void> end();

private:
    friend class Store;
    explicit Draft(std::filesystem::path folder) : folder_(std::move(folder)) {}
    std::filesystem::path folder_;
    UniqueFd file_;
};

class Store {
public:
    /// Makes the folder when it is missing; mode 0700. Removes what a crash an
    /// hour ago or more has left. Blocking.
    static Result<Store> open(const std::filesystem::path& folder);

    std::filesystem::path entry(const std::string& sha256) const { return folder_ / sha256; }
    Result<Draft> draft() const;
    /// The draft as the entry `sha256`, in one step and durable. What was there
    /// is removed: who calls has judged it. Two processes may do this at once;
    /// they bring the same bytes. Blocking.
    Result<void> commit(Draft draft, const std::string& sha256) const;

private:
    explicit Store(std::filesystem::path folder) : folder_(std::move(folder)) {}
    std::filesystem::path folder_;
};

}  // namespace acp::bundle
