// bundle: where the bytes of a bundle come from, a folder or an archive.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bundle/refusal.h"

namespace acp::bundle {

struct Entry {
    std::string name;
    std::int64_t size = 0;  ///< bytes
};

/// Takes the bytes of files in, one file after the other.
class Taker {
public:
    virtual ~Taker() = default;
    /// Whether this file's bytes are wanted; take and end follow only then.
    virtual Checked<bool> begin(const Entry& entry) = 0;
    virtual Checked<void> take(std::string_view bytes) = 0;
    virtual Checked<void> end() = 0;
};

/// One bundle, opened. What it gives has been judged by the rules that need no
/// manifest: names, kinds of files, owners, modes, sizes and counts.
class Source {
public:
    virtual ~Source() = default;
    /// Every file, sorted by name. Blocking.
    virtual Checked<std::vector<Entry>> entries() = 0;
    /// Hands the files to `taker`, in any order; after entries(). Blocking.
    virtual Checked<void> read(Taker& taker) = 0;
    /// One file of at most `most_bytes`, whole. Blocking.
    Checked<std::string> text(const Subject& subject, std::string_view name, std::int64_t most_bytes);
};

/// What a path holds, by its kind and ending. Nothing is read.
enum class Form : std::uint8_t { folder, archive, library, other };
Form form_of(const std::filesystem::path& path);

/// Opens a bundle folder or an .acpb file. The path itself may not be a
/// symbolic link. Blocking.
Checked<std::unique_ptr<Source>> open_source(const Subject& subject);

/// The parts of open_source. [blocking]
Checked<std::unique_ptr<Source>> open_folder(const Subject& subject);
Checked<std::unique_ptr<Source>> open_archive(const Subject& subject);

/// Judges names, count and sizes of all files together, and sorts them.
Checked<void> judge_entries(const Subject& subject, std::vector<Entry>& entries);

}  // namespace acp::bundle
