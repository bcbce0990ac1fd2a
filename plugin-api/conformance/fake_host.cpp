#include "alphaswarm-cp/conformance/fake_host.hpp"

#include <dlfcn.h>

#include <ctime>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include "alphaswarm-cp/host/clock.h"
#include "alphaswarm-cp/host/log.h"
#include "alphaswarm-cp/sdk/error.hpp"
#include "alphaswarm-cp/conformance/fake_stream.hpp"

namespace acp::conformance {

namespace {

std::atomic<FakeHost*> current{nullptr};

int64_t now_ns(clockid_t clock) {
    timespec t{};
    ::clock_gettime(clock, &t);
    return int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

}  // namespace

FakeHost::FakeHost(uint32_t abi_minor) {
    FakeHost* none = nullptr;
    if (!current.compare_exchange_strong(none, this)) throw std::logic_error("there is a FakeHost already");
    static const acp_host_log log = {sizeof(acp_host_log), 0, &write_log, [](int32_t) -> int32_t { return 1; }};
    static const acp_host_clock clock = {sizeof(acp_host_clock), 0, [] { return now_ns(CLOCK_MONOTONIC); },
                                         [] { return now_ns(CLOCK_REALTIME); }};
    add(ACP_IID_HOST_LOG, &log);
    add(ACP_IID_HOST_CLOCK, &clock);
    add(ACP_IID_HOST_STREAM, fake_stream_table());
    raw_.table = {sizeof(acp_host), abi_minor, ACP_STR_LITERAL("0.0.0-fake"), &get_interface};
    raw_.owner = this;
}

FakeHost::~FakeHost() {
    current = nullptr;
}

const void* FakeHost::get_interface(const acp_host* host, acp_str iid) {
    // The table is the first member of Raw.
    const FakeHost* self = reinterpret_cast<const Raw*>(host)->owner;
    auto it = self->tables_.find(sdk::view(iid));
    return it == self->tables_.end() ? nullptr : it->second;
}

void FakeHost::write_log(int32_t level, acp_str source, acp_str message, const acp_pair*, size_t) {
    if (FakeHost* host = current) host->keep({level, sdk::text(source), sdk::text(message)});
}

void FakeHost::keep(LogLine line) {
    std::unique_lock lock(mutex_);
    if (!log_hook_) {
        logs_.push_back(std::move(line));
        return;
    }
    const auto hook = log_hook_;
    lock.unlock();
    hook(line);
}

void FakeHost::on_log(std::function<void(const LogLine&)> hook) {
    std::lock_guard lock(mutex_);
    log_hook_ = std::move(hook);
}

std::vector<LogLine> FakeHost::logs() const {
    std::lock_guard lock(mutex_);
    return logs_;
}

FakeCall::FakeCall() {
    raw_.struct_size = sizeof raw_;
    raw_.ctx = this;
    raw_.request_id = ACP_STR_LITERAL("req-test");
    raw_.principal = ACP_STR_LITERAL("tester");
    raw_.tenant = ACP_STR_LITERAL("tenant-test");
    raw_.run_uid = ACP_STR_LITERAL("run-test");
    raw_.cancelled = &FakeCall::poll;
    raw_.log = [](const acp_call*, int32_t level, acp_str message) {
        if (FakeHost* host = current) host->keep({level, "call", sdk::text(message)});
    };
}

int32_t FakeCall::poll(const acp_call* call) {
    auto& self = *static_cast<FakeCall*>(call->ctx);
    ++self.polls_;
    if (self.poll_hook_) self.poll_hook_();
    if (self.polls_left_ >= 0 && self.polls_left_-- == 0) self.cancelled_ = true;
    return self.cancelled_ ? 1 : 0;
}

FakeCall::FakeCall(std::chrono::milliseconds limit) : FakeCall() {
    raw_.deadline_mono_ns = now_ns(CLOCK_MONOTONIC) + std::chrono::nanoseconds(limit).count();
}

LoadedPlugin::LoadedPlugin(const std::string& path, const FakeHost& host)
    : folder_(std::filesystem::absolute(path).parent_path()) {
    void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) throw std::runtime_error(::dlerror());
    auto entry_fn = reinterpret_cast<acp_plugin_entry_fn>(::dlsym(library, ACP_ENTRY_SYMBOL));
    if (!entry_fn) throw std::runtime_error(path + " does not export " ACP_ENTRY_SYMBOL);
    entry_ = entry_fn();
    if (!entry_ || entry_->struct_size < sizeof(acp_plugin_entry)) throw std::runtime_error(path + ": bad entry");
    sdk::ErrorSlot error;
    if (entry_->init(host.raw(), error.get()) != ACP_OK) throw std::runtime_error(path + ": init: " + error.message());
}

LoadedPlugin::~LoadedPlugin() {
    entry_->deinit();
}

const void* LoadedPlugin::find(const char* iid) const noexcept {
    return entry_->get_interface(sdk::str(iid));
}

void short_pause() {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

}  // namespace acp::conformance
