// What tests of plugins share: a folder to put plugins into, and the host's side.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <stdexcept>
#include <string>

#include "log/log.h"
#include "plugins/catalogue.h"
#include "plugins/host_api.h"

namespace acp::plugins::test {

namespace fs = std::filesystem;

class TempDir {
public:
    TempDir() {
        std::string pattern = (fs::temp_directory_path() / "acp-plugins-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
        path_ = pattern;
    }
    ~TempDir() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    const fs::path& path() const { return path_; }
    /// A copy of `file` under `name`, mode 0755.
    fs::path put(const fs::path& file, const std::string& name) const {
        const fs::path to = path_ / name;
        fs::copy_file(file, to, fs::copy_options::overwrite_existing);
        fs::permissions(to, fs::perms(0755));
        return to;
    }

private:
    fs::path path_;
};

inline CatalogueOptions options_at(const fs::path& state) {
    CatalogueOptions options;
    options.state_root = state;
    return options;
}

/// A context without a deadline.
inline CallContext call() {
    CallContext c;
    c.request_id = "req-1";
    c.principal = "alice";
    c.run_uid = "run-1";
    return c;
}

/// A library and one provider of it, or the fault.
struct Loaded {
    Record record;
    LibraryPtr library;
    Fault fault;
    std::unique_ptr<Provider> provider;

    explicit Loaded(const fs::path& file, const std::string& config = "{}") {
        library = Library::load(file, host_api(), {}, record);
        if (library) provider = Provider::create(library, host_api(), "mine", config, "/nowhere", fault);
    }
};

}  // namespace acp::plugins::test
