// A bundle as an .acpb file: a POSIX tar without compression. libarchive reads
// it with that one format; what the format allows and a bundle does not have
// is refused here. Nothing is ever extracted by libarchive.
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <set>

#include "base/unique_fd.h"
#include "bundle/names.h"
#include "bundle/owned.h"
#include "bundle/source.h"

namespace acp::bundle {

namespace {

constexpr std::size_t block_bytes = 65536;
/// Headers and padding of most_files files, with room for long names.
constexpr std::int64_t most_overhead = std::int64_t{8} << 20;
constexpr auto again = "get the bundle again from its vendor";

struct CloseArchive {
    void operator()(struct archive* reader) const noexcept { archive_read_free(reader); }
};
using Reader = std::unique_ptr<struct archive, CloseArchive>;

class Archive : public Source {
public:
    Archive(Subject subject, UniqueFd file, std::int64_t size)
        : subject_(std::move(subject)), file_(std::move(file)), size_(size) {}

    Checked<std::vector<Entry>> entries() override {
        std::vector<Entry> out;
        auto walked = walk([&](struct archive*, const Entry& entry) -> Checked<void> {
            out.push_back(entry);
            if (out.size() > most_files) return judge_entries(subject_, out);
            return {};
        });
        if (!walked) return tl::unexpected(walked.error());
        if (auto good = judge_entries(subject_, out); !good) return tl::unexpected(good.error());
        return out;
    }

    Checked<void> read(Taker& taker) override {
        return walk([&](struct archive* reader, const Entry& entry) -> Checked<void> {
            auto wanted = taker.begin(entry);
            if (!wanted) return tl::unexpected(wanted.error());
            if (!*wanted) return {};
            if (auto done = copy(reader, entry, taker); !done) return done;
            return taker.end();
        });
    }

private:
    tl::unexpected<Fault> damaged(struct archive* reader) const {
        const char* said = archive_error_string(reader);
        const std::string reason = said == nullptr ? "no reason given" : shown(said);
        const bool is_short = reason.find("runcated") != std::string::npos;
        return subject_.refuse("file", is_short ? "the archive is cut off" : "the archive is damaged",
                               "a whole POSIX tar archive", reason,
                               is_short ? "copy it again; its end is missing" : again);
    }

    /// Calls `visit` with each file. The end is judged as well.
    template <typename Visit>
    Checked<void> walk(const Visit& visit) {
        Reader reader(archive_read_new());
        if (!reader || archive_read_support_format_tar(reader.get()) != ARCHIVE_OK ||
            ::lseek(file_.get(), 0, SEEK_SET) != 0 ||
            archive_read_open_fd(reader.get(), file_.get(), block_bytes) != ARCHIVE_OK)
            return size_ == 0 ? empty() : damaged(reader.get());
        std::size_t folders = 0;
        for (;;) {
            struct archive_entry* raw = nullptr;
            const int code = archive_read_next_header(reader.get(), &raw);
            if (code == ARCHIVE_EOF) return judge_end(archive_read_header_position(reader.get()));
            // A warning is about a header that two readers may take differently.
            if (code != ARCHIVE_OK) return damaged(reader.get());
            if (auto good = judge_format(archive_format(reader.get())); !good) return good;
            if (auto good = judge_kind(raw); !good) return good;
            const char* name = archive_entry_pathname(raw);
            if (archive_entry_filetype(raw) == AE_IFDIR) {
                std::string_view folder(name);
                if (folder.ends_with('/')) folder.remove_suffix(1);
                if (std::string fault = name_fault(folder); !fault.empty() || ++folders > most_files)
                    return subject_.refuse("file",
                                           "the name of a folder " + (fault.empty() ? "is one too many" : fault),
                                           "a plain relative name", shown(name), again);
                continue;
            }
            if (auto done = visit(reader.get(), Entry{name, archive_entry_size(raw)}); !done) return done;
        }
    }

    tl::unexpected<Fault> empty() const {
        return subject_.refuse("file", "the archive is cut off", "a whole POSIX tar archive", "an empty file",
                               "copy it again");
    }

    /// libarchive takes older and GNU's own forms of tar for one format with POSIX's.
    Checked<void> judge_format(int format) const {
        if (format == ARCHIVE_FORMAT_TAR_USTAR || format == ARCHIVE_FORMAT_TAR_PAX_INTERCHANGE ||
            format == ARCHIVE_FORMAT_TAR_PAX_RESTRICTED)
            return {};
        return subject_.refuse("file", "the archive is no POSIX tar", "pax or ustar",
                               format == ARCHIVE_FORMAT_TAR_GNUTAR ? "GNU tar" : "another tar",
                               "make it with plugin bundle, or with tar --format=pax");
    }

    Checked<void> judge_kind(struct archive_entry* raw) const {
        const char* name = archive_entry_pathname(raw);
        if (name == nullptr)
            return subject_.refuse("file", "the archive has a file without a readable name", "a plain relative name",
                                   "none", again);
        auto refuse = [&](const std::string& found) {
            return subject_.refuse("file", "the archive has " + found + ", " + shown(name), "regular files and folders",
                                   found, again);
        };
        if (archive_entry_hardlink(raw) != nullptr) return refuse("a hard link");
        if (archive_entry_symlink(raw) != nullptr || archive_entry_filetype(raw) == AE_IFLNK)
            return refuse("a symbolic link");
        const auto kind = archive_entry_filetype(raw);
        if (kind != AE_IFREG && kind != AE_IFDIR) return refuse("a special file");
        if (archive_entry_sparse_count(raw) > 0) return refuse("a sparse file");
        if (!archive_entry_size_is_set(raw) || archive_entry_size(raw) < 0) return refuse("a file without a size");
        return {};
    }

    Checked<void> copy(struct archive* reader, const Entry& entry, Taker& taker) const {
        std::int64_t at = 0;
        for (;;) {
            const void* bytes = nullptr;
            std::size_t count = 0;
            la_int64_t offset = 0;
            const int code = archive_read_data_block(reader, &bytes, &count, &offset);
            if (code != ARCHIVE_OK && code != ARCHIVE_EOF) return damaged(reader);
            if (code == ARCHIVE_EOF) break;
            if (offset != at)
                return subject_.refuse("file", "the archive has a sparse file, " + shown(entry.name),
                                       "regular files and folders", "a sparse file", again);
            at += static_cast<std::int64_t>(count);
            if (auto done = taker.take({static_cast<const char*>(bytes), count}); !done) return done;
        }
        if (at == entry.size) return {};
        return subject_.refuse("file", "the archive is cut off",
                               std::to_string(entry.size) + " bytes of " + shown(entry.name), std::to_string(at),
                               "copy it again; its end is missing");
    }

    /// libarchive takes the end of the file for the end of the archive, and
    /// looks at nothing behind the end mark.
    Checked<void> judge_end(std::int64_t at) const {
        constexpr std::int64_t mark = 1024;  // two blocks of zeros (POSIX pax, ustar interchange format)
        if (size_ - at < mark)
            return subject_.refuse("file", "the archive is cut off", "two blocks of zeros at the end",
                                   std::to_string(std::max<std::int64_t>(size_ - at, 0)) + " bytes",
                                   "copy it again; its end is missing");
        std::array<char, 4096> buffer;
        while (at < size_) {
            const ssize_t count = ::pread(file_.get(), buffer.data(), buffer.size(), at);
            if (count < 0 && errno == EINTR) continue;
            if (count <= 0)
                return subject_.refuse("file", "it cannot be read to its end", "a readable file", system_reason(),
                                       "leave the bundle alone while it is read");
            if (std::any_of(buffer.begin(), buffer.begin() + count, [](char c) { return c != 0; }))
                return subject_.refuse("file", "something stands behind the archive's end", "zeros", "other bytes",
                                       again);
            at += count;
        }
        return {};
    }

    Subject subject_;
    UniqueFd file_;
    std::int64_t size_;
};

}  // namespace

Checked<std::unique_ptr<Source>> open_archive(const Subject& subject) {
    UniqueFd file(::open(subject.path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) != 0)
        return subject.refuse("file", "it cannot be read", "a readable file", system_reason(),
                              "check the path and who may read it");
    if (!S_ISREG(status.st_mode))
        return subject.refuse("file", "it is no regular file", "an .acpb file", "a device, socket or pipe",
                              "name the bundle itself");
    if (auto open = exposure(status); !open.what.empty())
        return subject.refuse("file", "it " + open.what, open.expected, open.found,
                              open.remedy + " " + shown(subject.path.string()));
    if (status.st_size > most_bundle_bytes + most_overhead)
        return subject.refuse("file", "it is too large", "at most 512 MiB", std::to_string(status.st_size) + " bytes",
                              again);
    return std::make_unique<Archive>(subject, std::move(file), status.st_size);
}

}  // namespace acp::bundle
