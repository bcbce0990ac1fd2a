// conformance: an in-memory host for tests of plugins, and a plugin loaded as the host loads it.
//
//   FakeHost host;                                  // one at a time: the log table has no context
//   LoadedPlugin plugin(ACP_TEST_PLUGIN, host);     // dlopen, entry, init
//   const auto* table = plugin.table<acp_provider>(ACP_IID_PROVIDER);
//   FakeCall call;                                  // an acp_call without deadline
//   table->status(self, call.raw(), ...);
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "alphaswarm-cp/call.h"
#include "alphaswarm-cp/plugin.h"

namespace acp::conformance {

struct LogLine {
    int32_t level = 0;
    std::string source, message;
};

/// Offers log, clock and stream (see fake_stream.h), and what `add` gives it.
class FakeHost {
public:
    /// `abi_minor` is the minor version that the host claims for its tables.
    explicit FakeHost(uint32_t abi_minor = ACP_ABI_MINOR);
    ~FakeHost();
    FakeHost(const FakeHost&) = delete;
    FakeHost& operator=(const FakeHost&) = delete;

    const acp_host* raw() const noexcept { return &raw_.table; }
    /// Adds or replaces a table, such as an acp_host_http_client; null hides it.
    /// Before the plugin looks it up.
    void add(std::string iid, const void* table) { tables_[std::move(iid)] = table; }
    /// What was logged so far through acp.host.log/1 and through calls.
    std::vector<LogLine> logs() const;
    /// Runs inside every logging callback, on the plugin's thread, in place of
    /// keeping the line; may throw, to see what the plugin makes of it. Empty: none.
    void on_log(std::function<void(const LogLine&)> hook);

private:
    friend class FakeCall;
    struct Raw {
        acp_host table;
        FakeHost* owner;
    };
    static const void* get_interface(const acp_host* host, acp_str iid);
    static void write_log(int32_t level, acp_str source, acp_str message, const acp_pair* fields, size_t count);
    void keep(LogLine line);

    Raw raw_{};
    std::map<std::string, const void*, std::less<>> tables_;
    mutable std::mutex mutex_;
    std::vector<LogLine> logs_;
    std::function<void(const LogLine&)> log_hook_;
};

/// One acp_call. `cancel` may come from any thread.
class FakeCall {
public:
    FakeCall();
    /// A call that ends after `limit`; one below zero has ended already.
    explicit FakeCall(std::chrono::milliseconds limit);
    FakeCall(const FakeCall&) = delete;
    FakeCall& operator=(const FakeCall&) = delete;

    const acp_call* raw() const noexcept { return &raw_; }
    void cancel() noexcept { cancelled_ = true; }
    /// Cancels itself once the plugin has asked `polls` times in vain.
    void cancel_after(int polls) noexcept { polls_left_ = polls; }
    /// How often the plugin asked.
    int polls() const noexcept { return polls_; }
    /// Runs when the plugin asks; may throw. Before the call is used.
    void on_poll(std::function<void()> hook) { poll_hook_ = std::move(hook); }

private:
    static int32_t poll(const acp_call* call);

    acp_call raw_{};
    std::atomic<bool> cancelled_{false};
    std::atomic<int> polls_{0}, polls_left_{-1};
    std::function<void()> poll_hook_;
};

/// A plugin in this process. Throws std::runtime_error when it cannot be used.
/// Never closed again, as in production; the destructor calls deinit.
class LoadedPlugin {
public:
    LoadedPlugin(const std::string& path, const FakeHost& host);
    ~LoadedPlugin();
    LoadedPlugin(const LoadedPlugin&) = delete;
    LoadedPlugin& operator=(const LoadedPlugin&) = delete;

    const acp_plugin_entry& entry() const noexcept { return *entry_; }
    /// Folder the plugin lies in, for acp_instance_config.plugin_dir.
    const std::string& folder() const noexcept { return folder_; }
    /// Null when the plugin does not offer it.
    template <typename Table>
    const Table* table(const char* iid) const noexcept {
        return static_cast<const Table*>(find(iid));
    }

private:
    const void* find(const char* iid) const noexcept;
    const acp_plugin_entry* entry_ = nullptr;
    std::string folder_;
};

/// Calls `done` until it returns true, at most for `limit`; its last answer.
template <typename Condition>
bool wait_until(Condition done, std::chrono::milliseconds limit = std::chrono::seconds(20));

/// A pause between two looks of wait_until.
void short_pause();

template <typename Condition>
bool wait_until(Condition done, std::chrono::milliseconds limit) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!done()) {
        if (std::chrono::steady_clock::now() > end) return done();
        short_pause();
    }
    return true;
}

}  // namespace acp::conformance
