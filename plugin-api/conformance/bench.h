// conformance: the plugin on the bench, brought as far as a check needs it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "alphaswarm-cp/conformance/fake_identity.hpp"
#include "alphaswarm-cp/conformance/provider_client.hpp"
#include "alphaswarm-cp/conformance/suite.hpp"
#include "check.h"
#include "process_state.h"

namespace acp::conformance {

class Bench {
public:
    explicit Bench(const Options& options);
    ~Bench();
    Bench(const Bench&) = delete;
    Bench& operator=(const Bench&) = delete;

    const Options& options() const noexcept { return options_; }
    FakeHost& host() noexcept { return host_; }
    FakeIdentity& identity() noexcept { return identity_; }

    /// dlopen, once. Fails the check that is running.
    void load();
    /// The entry function's address.
    acp_plugin_entry_fn entry_function();
    /// Calls it once; the later calls give the same.
    const acp_plugin_entry* raw_entry();
    /// A copy, whole as far as struct_size allows.
    const acp_plugin_entry& entry();
    /// init, once.
    void init();
    /// deinit, once. No other check may follow.
    void deinit();

    /// Looks before and after what must not have effects.
    ProcessState before_load, after_load, before_entry, after_entry, before_init, after_init;

    /// Null when the plugin does not offer it.
    const void* interface(std::string_view iid);
    /// Folder the plugin lies in.
    std::string plugin_folder() const;
    /// A new empty folder of mode 0700.
    std::string folder();

    /// A new instance, as configured or with `config_json`.
    std::unique_ptr<ProviderClient> provider(const char* alias = "conformance");

private:
    const Options options_;
    FakeHost host_;
    FakeIdentity identity_{host_};
    void* library_ = nullptr;
    const acp_plugin_entry* raw_entry_ = nullptr;
    std::optional<acp_plugin_entry> entry_;
    bool initialised_ = false;
    int folders_ = 0;
    bool own_state_dir_ = false;
    std::string state_dir_;
};

/// Memory of exactly `size` bytes with an unmapped page right behind it, so
/// that a read past it is a crash and not a guess.
class Fenced {
public:
    explicit Fenced(std::size_t size);
    ~Fenced();
    Fenced(const Fenced&) = delete;
    Fenced& operator=(const Fenced&) = delete;
    void* get() const noexcept { return at_; }

private:
    void* map_ = nullptr;
    std::size_t mapped_ = 0;
    void* at_ = nullptr;
};

/// `whole` as a caller with other headers would pass it: `struct_size` and what
/// is there differ from what the plugin knows.
template <typename Struct>
class Resized {
public:
    enum Kind { short_by_a_pointer, longer_by_4_kib };
    Resized(const Struct& whole, Kind kind)
        : memory_(kind == short_by_a_pointer ? sizeof(Struct) - sizeof(void*) : sizeof(Struct) + 4096) {
        const std::size_t size = kind == short_by_a_pointer ? sizeof(Struct) - sizeof(void*) : sizeof(Struct);
        std::memcpy(memory_.get(), &whole, size);
        const auto told = static_cast<uint32_t>(kind == short_by_a_pointer ? size : sizeof(Struct) + 4096);
        std::memcpy(memory_.get(), &told, sizeof told);
        if (kind == longer_by_4_kib) std::memset(static_cast<char*>(memory_.get()) + size, 0xa5, 4096);
    }
    Struct* get() const noexcept { return static_cast<Struct*>(memory_.get()); }

private:
    Fenced memory_;
};

/// A status that an answer may have where the promise leaves a choice; anything
/// else, or an answer that took longer than `limit`, fails the check.
void expect_status(const Answer& answer, std::initializer_list<acp_status> allowed);
/// `ACP_E_NOT_FOUND: there is no workload x`
std::string told(const Answer& answer);
/// The backend is not there: what depends on it cannot be judged.
bool is_out_of_reach(acp_status status) noexcept;

}  // namespace acp::conformance
