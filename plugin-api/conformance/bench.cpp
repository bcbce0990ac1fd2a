#include "bench.h"

#include <dlfcn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include "text.h"

namespace acp::conformance {

namespace fs = std::filesystem;

Bench::Bench(const Options& options)
    : options_(options), host_(options.host_abi_minor), state_dir_(options.state_dir) {
    for (const auto& [iid, table] : options_.host_tables) host_.add(iid, table);
    if (!state_dir_.empty()) return;
    std::string name = fs::temp_directory_path() / "acp-conformance-XXXXXX";
    if (!::mkdtemp(name.data())) throw std::runtime_error("cannot make a folder in " + name);
    state_dir_ = name;
    own_state_dir_ = true;
}

Bench::~Bench() {
    std::error_code ignored;
    if (own_state_dir_) fs::remove_all(state_dir_, ignored);
}

void Bench::load() {
    if (library_) return;
    before_load = ProcessState::now();
    library_ = ::dlopen(fs::absolute(options_.plugin_path).c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library_) fail("the shared object cannot be loaded", "all its symbols resolved", ::dlerror());
    after_load = ProcessState::now();
}

acp_plugin_entry_fn Bench::entry_function() {
    load();
    void* symbol = ::dlsym(library_, ACP_ENTRY_SYMBOL);
    require(symbol, "the entry symbol is missing", ACP_ENTRY_SYMBOL, "no such symbol");
    return reinterpret_cast<acp_plugin_entry_fn>(symbol);
}

const acp_plugin_entry* Bench::raw_entry() {
    if (raw_entry_) return raw_entry_;
    const auto function = entry_function();
    before_entry = ProcessState::now();
    raw_entry_ = at_boundary(ACP_ENTRY_SYMBOL, function);
    after_entry = ProcessState::now();
    require(raw_entry_, "the entry function gave nothing", "the address of a static acp_plugin_entry", "NULL");
    return raw_entry_;
}

const acp_plugin_entry& Bench::entry() {
    if (!entry_) entry_ = whole_table<acp_plugin_entry>(raw_entry());
    return *entry_;
}

void Bench::init() {
    if (initialised_) return;
    require(entry().init, "the entry has no init", "a function", "NULL");
    before_init = ProcessState::now();
    sdk::ErrorSlot error;
    const acp_status status = at_boundary("init", [&] { return entry().init(host_.raw(), error.get()); });
    require(status == ACP_OK, "init failed: " + in_quotes(error.message()), "ACP_OK", status_name(status));
    initialised_ = true;
    after_init = ProcessState::now();
}

void Bench::deinit() {
    init();
    at_boundary("deinit", [&] { entry().deinit(); });
}

const void* Bench::interface(std::string_view iid) {
    require(entry().get_interface, "the entry has no get_interface", "a function", "NULL");
    return at_boundary("get_interface", [&] { return entry().get_interface(sdk::str(iid)); });
}

std::string Bench::plugin_folder() const {
    return fs::absolute(options_.plugin_path).parent_path();
}

std::string Bench::folder() {
    // The process id keeps apart what a runner goes on with in a new process.
    const std::string path = fs::absolute(state_dir_) / (std::to_string(::getpid()) + "-" + std::to_string(folders_++));
    if (::mkdir(path.c_str(), 0700) != 0) throw std::runtime_error("cannot make the folder " + path);
    return path;
}

std::unique_ptr<ProviderClient> Bench::provider(const char* alias) {
    init();
    try {
        return std::make_unique<ProviderClient>(host_.raw(), entry(), plugin_folder(), alias, options_.config_json,
                                                folder());
    } catch (const std::runtime_error& e) {
        fail("no instance can be made with the configuration that was given", "ACP_OK", e.what());
    }
}

Fenced::Fenced(std::size_t size) {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const std::size_t room = (size + page - 1) / page * page;
    mapped_ = room + page;
    map_ = ::mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map_ == MAP_FAILED) throw std::bad_alloc();
    auto* base = static_cast<char*>(map_);
    ::mprotect(base + room, page, PROT_NONE);
    at_ = base + room - size;
}

Fenced::~Fenced() {
    ::munmap(map_, mapped_);
}

void expect_status(const Answer& answer, std::initializer_list<acp_status> allowed) {
    if (std::find(allowed.begin(), allowed.end(), answer.code) != allowed.end()) return;
    std::string names;
    for (const acp_status status : allowed) names += (names.empty() ? "" : " or ") + status_name(status);
    fail(answer.operation + " gave another status", names, told(answer));
}

std::string told(const Answer& answer) {
    return answer.message.empty() ? status_name(answer.code) : status_name(answer.code) + ": " + in_quotes(answer.message);
}

bool is_out_of_reach(acp_status status) noexcept {
    return status == ACP_E_UNAVAILABLE || status == ACP_E_DENIED;
}

}  // namespace acp::conformance
