// Fuzz target of bundle: any bytes as an .acpb, whose manifest the bytes hold
// as well, and as a manifest, a lock, a signature file, a key and a shared
// object by themselves.
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/unique_fd.h"
#include "bundle/elf.h"
#include "bundle/intake.h"
#include "bundle/lock.h"
#include "bundle/names.h"
#include "bundle/open.h"
#include "bundle/signature.h"
#include "bundle/source.h"
#include "config/load.h"

using namespace acp::bundle;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

void require(const acp::Error& error) {
    require(!error.message.empty());
    require(acp::is_utf8(acp::config::describe(error)));
}

void require(const acp::Fault& fault) {
    require(!fault.stage.empty() && !fault.message.empty() && !fault.expected.empty() && !fault.found.empty() &&
            !fault.remedy.empty());
    require(acp::is_utf8(fault.message + fault.found));
}

/// A file with a name that ends as an archive's.
class File {
public:
    explicit File(std::string_view bytes) {
        std::string name = "/tmp/acp-fuzz-XXXXXX.acpb";
        fd_.reset(::mkstemps(name.data(), 5));
        require(static_cast<bool>(fd_));
        require(::write(fd_.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
        path_ = name;
    }
    ~File() { ::unlink(path_.c_str()); }
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
    acp::UniqueFd fd_;
};

void try_archive(std::string_view bytes) {
    const File file(bytes);
    const auto opened = verify_bundle(file.path(), {});
    if (opened.fault) {
        require(*opened.fault);
        return;
    }
    // What is good once is good whenever it is read.
    require(opened.manifest->files.count("plugin.so") == 1);
    require(write_manifest(*opened.manifest).size() <= static_cast<std::size_t>(most_manifest_bytes) * 2);
}

void try_manifest(std::string_view bytes) {
    auto manifest = read_manifest(bytes, "m.yaml");
    if (!manifest) return require(manifest.error());
    require(is_plugin_id(manifest->id));
    for (const auto& [name, file] : manifest->files) require(name_fault(name).empty());
    auto again = read_manifest(write_manifest(*manifest), "m.yaml");
    require(again && *again == *manifest);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    // Files cost more than all parsers together: only what may be an archive.
    if (size >= 512) try_archive(bytes);
    try_manifest(bytes);
    if (auto lock = read_lock(bytes, "l"); !lock)
        require(lock.error());
    else
        require(*read_lock(write_lock(*lock), "l") == *lock);
    if (auto signatures = read_signatures(bytes)) require(read_signatures(write_signatures(*signatures)).has_value());
    if (auto key = read_trust_key(bytes, "k.pem")) require(!key->prefixes.empty() && !key->covers(""));
    (void)read_elf(bytes);
    return 0;
}
