#include "bundle/pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <functional>
#include <memory>

#include "base/bytes.h"
#include "base/unique_fd.h"
#include "bundle/digest.h"
#include "bundle/names.h"
#include "bundle/open.h"
#include "bundle/owned.h"
#include "bundle/signing.h"

namespace acp::bundle {

namespace fs = std::filesystem;

namespace {

tl::unexpected<Error> refuse(const std::string& message) {
    return fail(Code::invalid, "bundle", message);
}

/// Hands the bytes of a file over in pieces; stops when `take` says no.
Result<struct stat> each_piece(const fs::path& file, const std::function<bool(std::string_view)>& take) {
    UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0) return refuse(file.string() + " cannot be read: " + system_reason());
    if (!S_ISREG(status.st_mode)) return refuse(file.string() + " is no regular file");
    std::array<char, 65536> buffer;
    for (;;) {
        ssize_t count = ::read(fd.get(), buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return refuse(file.string() + " cannot be read: " + system_reason());
        if (count == 0) return status;
        if (!take({buffer.data(), static_cast<std::size_t>(count)}))
            return refuse(file.string() + " cannot be taken in");
    }
}

struct FreeWriter {
    void operator()(struct archive* writer) const noexcept { archive_write_free(writer); }
};
struct FreeEntry {
    void operator()(struct archive_entry* entry) const noexcept { archive_entry_free(entry); }
};

class Writer {
public:
    explicit Writer(int fd) : writer_(archive_write_new()) {
        // ustar, and pax where a name needs it.
        is_good_ = writer_ && archive_write_set_format_pax_restricted(writer_.get()) == ARCHIVE_OK &&
                   archive_write_add_filter_none(writer_.get()) == ARCHIVE_OK &&
                   archive_write_open_fd(writer_.get(), fd) == ARCHIVE_OK;
    }

    void begin(const std::string& name, std::int64_t size, bool is_exec) {
        std::unique_ptr<struct archive_entry, FreeEntry> entry(archive_entry_new());
        archive_entry_set_pathname(entry.get(), name.c_str());
        archive_entry_set_filetype(entry.get(), AE_IFREG);
        archive_entry_set_perm(entry.get(), is_exec ? 0755 : 0644);
        archive_entry_set_size(entry.get(), size);
        archive_entry_set_mtime(entry.get(), 0, 0);
        archive_entry_set_uid(entry.get(), 0);
        archive_entry_set_gid(entry.get(), 0);
        is_good_ = is_good_ && archive_write_header(writer_.get(), entry.get()) == ARCHIVE_OK;
    }
    bool write(std::string_view bytes) {
        is_good_ = is_good_ && archive_write_data(writer_.get(), bytes.data(), bytes.size()) ==
                                   static_cast<la_ssize_t>(bytes.size());
        return is_good_;
    }
    void whole(const std::string& name, std::string_view bytes) {
        begin(name, static_cast<std::int64_t>(bytes.size()), false);
        write(bytes);
    }
    bool close() {
        is_good_ = is_good_ && archive_write_close(writer_.get()) == ARCHIVE_OK;
        return is_good_;
    }
    std::string reason() const {
        const char* said = writer_ ? archive_error_string(writer_.get()) : nullptr;
        return said ? said : "a file changed meanwhile";
    }

private:
    std::unique_ptr<struct archive, FreeWriter> writer_;
    bool is_good_ = false;
};

/// Removes the draft unless it took the output's place.
struct Draft {
    fs::path path;
    ~Draft() { ::unlink(path.c_str()); }
};

Result<void> write_archive(int fd, const Contents& contents, const Manifest& manifest, const std::string& text,
                           const std::string& signature, const fs::path& output) {
    Writer writer(fd);
    std::map<std::string, const fs::path*> sorted{{std::string(manifest_name), nullptr}};
    if (!signature.empty()) sorted.emplace(signature_name, nullptr);
    for (const auto& [name, file] : contents) sorted.emplace(name, &file);
    for (const auto& [name, file] : sorted) {
        if (file == nullptr) {
            writer.whole(name, name == manifest_name ? text : signature);
            continue;
        }
        const auto& measured = manifest.files.at(name);
        writer.begin(name, measured.size, measured.is_exec);
        if (auto read = each_piece(*file, [&](std::string_view bytes) { return writer.write(bytes); }); !read)
            return fail(read.error());
    }
    if (!writer.close()) return refuse(output.string() + " cannot be written: " + writer.reason());
    return {};
}

}  // namespace

Result<Contents> contents_of(const fs::path& folder) {
    Contents out;
    std::error_code ec;
    for (fs::recursive_directory_iterator entry(folder, ec), end; !ec && entry != end; entry.increment(ec)) {
        if (entry->is_directory(ec) && !entry->is_symlink(ec)) continue;
        if (entry->is_symlink(ec) || !entry->is_regular_file(ec))
            return refuse(entry->path().string() + " is a link or a special file; a bundle has regular files only");
        std::string name = entry->path().lexically_relative(folder).string();
        if (name != manifest_name && name != signature_name) out.emplace(std::move(name), entry->path());
    }
    if (ec) return refuse(folder.string() + " cannot be read: " + ec.message());
    return out;
}

Result<void> measure(const Contents& contents, Manifest& manifest) {
    manifest.files.clear();
    for (const auto& [name, file] : contents) {
        Digest digest;
        ManifestFile measured;
        auto status = each_piece(file, [&](std::string_view bytes) {
            digest.add(bytes);
            measured.size += static_cast<std::int64_t>(bytes.size());
            return measured.size <= most_bundle_bytes;
        });
        if (!status) return fail(status.error());
        measured.sha256 = digest.take();
        const bool is_text = name == "config.schema.json" || name == "LICENSES" || name == "sbom.json";
        measured.is_exec = name == library_name || (!is_text && (status->st_mode & S_IXUSR) != 0);
        manifest.files.emplace(name, std::move(measured));
    }
    return {};
}

Result<std::string> pack(const Contents& contents, const Manifest& manifest, EVP_PKEY* key, const fs::path& output) {
    if (output.extension() != ".acpb") return refuse("the output " + output.string() + " must end in .acpb");
    const std::string text = write_manifest(manifest);
    // Also checks what came from a command line.
    auto readable = read_manifest(text, std::string(manifest_name));
    if (!readable) return fail(readable.error());
    std::string signature;
    if (key != nullptr) {
        auto made = sign(key, text);
        if (!made) return fail(made.error());
        signature = std::move(*made);
    }
    const Draft draft{output.parent_path() / ("." + output.stem().string() + "." + random_token(6) + ".acpb")};
    UniqueFd fd(::open(draft.path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (!fd) return refuse(output.string() + " cannot be written: " + system_reason());
    if (auto written = write_archive(fd.get(), contents, manifest, text, signature, output); !written)
        return fail(written.error());
    if (::fchmod(fd.get(), 0644) != 0 || ::fsync(fd.get()) != 0)
        return refuse(output.string() + " cannot be written: " + system_reason());
    fd.reset();
    // A file that changed between measuring and writing must not become a release.
    Trust trust;
    trust.host.platform = manifest.platform;
    trust.host.abi_major = manifest.abi.major;
    trust.host.abi_minor = manifest.abi.minor_required;
    if (auto verified = verify_bundle(draft.path, trust); verified.fault)
        return refuse(verified.fault->message + " (expected " + verified.fault->expected + ", found " +
                      verified.fault->found + ")");
    if (::rename(draft.path.c_str(), output.c_str()) != 0)
        return refuse(output.string() + " cannot be put in place: " + system_reason());
    return sha256_hex(text);
}

}  // namespace acp::bundle
