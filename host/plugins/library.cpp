#include "plugins/library.h"

#include <elf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <mutex>
#include <optional>
#include <vector>

#include <boost/dll/library_info.hpp>
#include <boost/dll/shared_library.hpp>

#include "abi/error.h"
#include "alphaswarm-cp/ext/auth_flow.h"
#include "alphaswarm-cp/ext/exec.h"
#include "alphaswarm-cp/ext/health.h"
#include "alphaswarm-cp/ext/http_routes.h"
#include "alphaswarm-cp/ext/logs.h"
#include "alphaswarm-cp/ext/provider.h"
#include "bundle/digest.h"
#include "log/log.h"
#include "plugins/adopt.h"
#include "plugins/guarded.h"
#include "plugins/quarantine.h"

namespace acp::plugins {

namespace fs = std::filesystem;

namespace {

/// Bytes of acp_plugin_entry as released with minor 0.
constexpr std::uint32_t kEntrySizeV1_0 = sizeof(acp_plugin_entry);
constexpr std::chrono::seconds kDeinitPatience{30};
constexpr std::size_t kBlockBytes = 1U << 16;
constexpr std::string_view kEntryPrefix = "acp_plugin_entry_v";

bool fault(Record& record, std::string stage, std::string message, std::string expected, std::string found, std::string remedy) {
    record.fault = {std::move(stage), std::move(message), std::move(expected), std::move(found), std::move(remedy)};
    return false;
}

std::string octal(mode_t mode) {
    std::array<char, 8> text{};
    std::snprintf(text.data(), text.size(), "%04o", static_cast<unsigned>(mode & 07777U));
    return text.data();
}

/// Whoever can write the file can run code in this process.
bool check_file(const fs::path& path, Record& record) {
    struct stat info{};
    if (::stat(path.c_str(), &info) != 0)
        return fault(record, "file", "the plugin file cannot be read", "a readable file", std::strerror(errno), "check the path in plugins.directories");
    if (!S_ISREG(info.st_mode))
        return fault(record, "file", "the plugin is no regular file", "a regular file", "another kind of file", "put the shared object itself there");
    if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return fault(record, "file", "others may write the plugin file", "mode 0755 or stricter", octal(info.st_mode), "chmod go-w the file");
    if (info.st_uid != 0 && info.st_uid != ::geteuid())
        return fault(record, "file", "the plugin file belongs to somebody else", "owner root or uid " + std::to_string(::geteuid()),
                     "uid " + std::to_string(info.st_uid), "chown the file");
    std::ifstream file(path, std::ios::binary);
    Elf64_Ehdr header{};
    if (!file.read(reinterpret_cast<char*>(&header), sizeof header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
        return fault(record, "file", "the file is no ELF shared object", "an ELF shared object", "something else", "rebuild it with acp_add_plugin()");
#if defined(__x86_64__)
    constexpr Elf64_Half machine = EM_X86_64;
#elif defined(__aarch64__)
    constexpr Elf64_Half machine = EM_AARCH64;
#else
#error "name this platform's ELF machine"
#endif
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != machine || header.e_type != ET_DYN)
        return fault(record, "file", "the shared object is for another platform", "ELF machine " + std::to_string(machine),
                     "ELF machine " + std::to_string(header.e_machine), "build it for this platform");
    record.sha256 = Library::content_of(path);
    return true;
}

/// Reads the symbol table without running anything of the file.
bool check_symbol(const fs::path& path, Record& record) {
    std::vector<std::string> symbols;
    try {
        symbols = boost::dll::library_info(path.string()).symbols();
    } catch (const std::exception& e) {
        return fault(record, "symbol", "the shared object's symbol table cannot be read", "a complete shared object", e.what(), "copy or build the file again");
    }
    std::string other;
    for (const auto& symbol : symbols) {
        if (symbol == ACP_ENTRY_SYMBOL) return true;
        if (symbol.starts_with(kEntryPrefix)) other = symbol;
    }
    if (!other.empty())
        return fault(record, "abi", "the plugin is built for another major version of the plugin API", ACP_ENTRY_SYMBOL, other,
                     "install the plugin's release for plugin API 1");
    return fault(record, "symbol", "the shared object exports no plugin entry", ACP_ENTRY_SYMBOL, "no such symbol", "build it with acp_add_plugin()");
}

/// Code of a plugin is never unmapped, because threads, thread-local
/// destructors and callbacks may outlive any plan: the list is never destroyed.
void keep_for_ever(boost::dll::shared_library library) {
    static std::mutex mutex;
    static auto* const handles = new std::vector<boost::dll::shared_library>;
    std::lock_guard lock(mutex);
    handles->push_back(std::move(library));
}

bool is_id(std::string_view id) {
    return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
    });
}

bool check_entry(const acp_plugin_entry* raw, Record& record, acp_plugin_entry& entry) {
    if (!raw) return fault(record, "entry", "the plugin's entry function gave nothing", "an acp_plugin_entry", "NULL", "return the address of a static entry");
    if (raw->struct_size < kEntrySizeV1_0)
        return fault(record, "abi", "the plugin's entry is shorter than version 1.0 of the plugin API",
                     "struct_size >= " + std::to_string(kEntrySizeV1_0), std::to_string(raw->struct_size), "set struct_size to sizeof(acp_plugin_entry)");
    entry = adopt<acp_plugin_entry>(raw);
    record.id = abi::text(entry.id);
    record.version = abi::text(entry.version);
    record.vendor = abi::text(entry.vendor);
    record.abi_minor_built = entry.abi_minor_built;
    record.abi_minor_required = entry.abi_minor_required;
    if (!is_id(record.id))
        return fault(record, "entry", "the plugin's id is malformed", "[a-z0-9.-]{1,64}", record.id.substr(0, 80), "choose an id such as com.example.thing");
    if (entry.abi_minor_required > ACP_ABI_MINOR)
        return fault(record, "abi", "the plugin needs a newer host", "plugin API 1." + std::to_string(ACP_ABI_MINOR) + " or older",
                     "1." + std::to_string(entry.abi_minor_required), "update alphaswarm-cp or install an older release of the plugin");
    if (!entry.init || !entry.deinit || !entry.get_interface)
        return fault(record, "entry", "the plugin's entry lacks a function", "init, deinit and get_interface", "NULL", "fill in every function of acp_plugin_entry");
    return true;
}

/// The checked bytes under their hash, where nobody else may write.
bool keep_copy(const fs::path& path, const LoadOptions& options, Record& record, fs::path& copy) {
    const fs::path& store = options.store;
    const fs::path folder = store / (options.copy == 0 ? record.sha256 : record.sha256 + "." + std::to_string(options.copy));
    copy = folder / path.filename();
    std::error_code ec;
    fs::create_directories(folder, ec);
    if (!ec) fs::permissions(store, fs::perms::owner_all, ec);
    if (!ec) fs::permissions(folder, fs::perms::owner_all, ec);
    const auto same = [&](const fs::path& file) { return Library::content_of(file) == record.sha256; };
    if (!ec && fs::exists(copy, ec) && same(copy)) return true;
    const fs::path fresh = copy.string() + ".new";
    if (!ec) fs::copy_file(path, fresh, fs::copy_options::overwrite_existing, ec);
    if (!ec && !same(fresh))
        return fault(record, "file", "the plugin file changed while it was read", "sha256 " + record.sha256, "another",
                     "copy new releases beside the old file and rename them into place");
    if (!ec) fs::permissions(fresh, fs::perms::owner_read | fs::perms::owner_exec, ec);
    if (!ec) fs::rename(fresh, copy, ec);
    if (ec)
        return fault(record, "file", "the plugin cannot be copied into the store", store.string(), ec.message(),
                     "check data_dir, its owner and the free space");
    return true;
}

/// What a plugin's own code does while it is loaded, apart from the caller: it
/// may never come back.
struct Loading {
    fs::path file;
    const acp_host& host;
    Record record;
    acp_plugin_entry entry{};
    bool good = false;

    void run() {
        try {
            boost::dll::shared_library library(file.string(),
                                               boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local);
            auto entry_function = library.get<const acp_plugin_entry*()>(ACP_ENTRY_SYMBOL);
            keep_for_ever(std::move(library));
            if (!check_entry(entry_function(), record, entry)) return;
            acp_error raw{};
            raw.struct_size = sizeof raw;
            const acp_status status = entry.init(&host, &raw);
            good = status == ACP_OK;
            if (!good)
                fault(record, "init", abi::take_error(status, raw, record.id + " init").message, "init to succeed",
                      "status " + std::to_string(status), "see the message");
        } catch (const std::exception& e) {
            fault(record, record.id.empty() ? "load" : "init", "the plugin cannot be loaded: " + std::string(e.what()),
                  "all symbols resolved, no exception", "an error of the loader or the plugin",
                  "see the message; a plugin must bring or link all that it needs");
        } catch (...) {
            fault(record, "init", "the plugin threw while it was loaded", "no exception", "an exception of unknown type",
                  "catch exceptions inside the plugin");
        }
    }
};

}  // namespace

const std::vector<std::string_view>& known_interfaces() {
    static const std::vector<std::string_view> ids = {
        ACP_IID_PROVIDER, ACP_IID_LOGS,     ACP_IID_EXEC,      ACP_IID_HEALTH,  ACP_IID_HTTP_ROUTES,
        ACP_IID_AUTH_FLOW, "acp.proxy_route/1", "acp.operator/1", "acp.secrets/1", "acp.metrics/1",
    };
    return ids;
}

std::shared_ptr<const Library> Library::load(const fs::path& path, const acp_host& host, const LoadOptions& options,
                                             Record& record) {
    record.path = path.string();
    if (!check_file(path, record) || !check_symbol(path, record)) return nullptr;
    const Quarantine quarantine(options.quarantine);
    if (!options.quarantine.empty())
        if (auto kept_out = quarantine.judge(record.sha256)) {
            record.fault = std::move(*kept_out);
            return nullptr;
        }
    fs::path file = path;
    if (!options.store.empty() && !keep_copy(path, options, record, file)) return nullptr;

    const auto loading = std::make_shared<Loading>(Loading{file, host, record});
    bool back = false;
    {
        std::optional<Quarantine::Watch> watch;
        if (!options.quarantine.empty()) watch.emplace(quarantine, record.sha256, record.path);
        back = comes_back(options.patience, [loading] { loading->run(); });
    }
    if (!back) {
        fault(record, "load", "the plugin does not come back from being loaded", "an answer of its entry and init",
              "nothing in " + std::to_string(options.patience.count()) + " ms",
              "restart the server when it is mended; its thread is left behind");
        return nullptr;
    }
    record = loading->record;
    if (!loading->good) return nullptr;
    record.loaded = true;
    auto library = std::shared_ptr<Library>(new Library(loading->entry, path.parent_path().string()));
    for (auto iid : known_interfaces())
        if (library->interface(iid)) record.interfaces.emplace_back(iid);
    return library;
}

std::string Library::content_of(const fs::path& path) {
    std::error_code ec;
    if (!fs::is_regular_file(path, ec)) return {};  // reading a folder throws
    std::ifstream file(path, std::ios::binary);
    if (!file) return {};
    bundle::Digest digest;
    std::vector<char> block(kBlockBytes);
    while (file.read(block.data(), static_cast<std::streamsize>(block.size())) || file.gcount() > 0)
        digest.add({block.data(), static_cast<std::size_t>(file.gcount())});
    return file.bad() ? std::string() : digest.take();
}

Library::~Library() {
    end();
}

void Library::end() const {
    std::call_once(ended_, [this] {
        const std::string id = abi::text(entry_.id);
        const bool back = comes_back(kDeinitPatience, [deinit = entry_.deinit, id] {
            try {
                deinit();
            } catch (...) {
                log::error("plugins", "a plugin threw in deinit", {{"plugin", id}});
            }
        });
        if (!back) log::error("plugins", "a plugin does not come back from deinit; it is left behind", {{"plugin", id}});
    });
}

const void* Library::interface(std::string_view iid) const noexcept {
    try {
        return entry_.get_interface(abi::str(iid));
    } catch (...) {
        return nullptr;
    }
}

}  // namespace acp::plugins
