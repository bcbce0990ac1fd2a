#include "process_state.h"

#include <elf.h>
#include <malloc.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

extern char** environ;

namespace acp::conformance {

namespace {

namespace fs = std::filesystem;

// Of a sanitizer's build, its runtime's names.
bool is_runtime(const std::string& name) {
    for (const char* prefix : {"__asan", "__ubsan", "__tsan", "__lsan", "__sanitizer", "__odr_asan", "__interceptor"})
        if (name.starts_with(prefix)) return true;
    return false;
}

std::string joined(const std::set<std::string>& all) {
    std::string out;
    for (const auto& one : all) out += (out.empty() ? "" : ", ") + one;
    return out;
}

}  // namespace

ProcessState ProcessState::now() {
    ProcessState state;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator("/proc/self/fd", ignored)) {
        const auto target = fs::read_symlink(entry.path(), ignored);
        // The one that reads the folder.
        if (target.string().starts_with("/proc/") && target.string().ends_with("/fd")) continue;
        state.descriptors.insert(entry.path().filename().string() + " -> " + target.string());
    }
    for (const auto& entry : fs::directory_iterator("/proc/self/task", ignored)) {
        static_cast<void>(entry);
        ++state.threads;
    }
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("SigIgn:") || line.starts_with("SigCgt:") || line.starts_with("SigBlk:"))
            state.signals += line + " ";
        if (line.starts_with("Umask:")) state.umask = line;
    }
    state.folder = fs::current_path(ignored).string();
    for (char** at = environ; at && *at; ++at) state.environment += std::string(*at) + '\n';
    state.heap_bytes = ::mallinfo2().uordblks + ::mallinfo2().hblkhd;
    return state;
}

std::string ProcessState::changes(const ProcessState& after) const {
    std::string out;
    const auto add = [&](const std::string& what) { out += (out.empty() ? "" : "; ") + what; };
    if (const auto more = new_descriptors(*this, after); !more.empty()) add("new descriptors: " + more);
    if (const auto fewer = new_descriptors(after, *this); !fewer.empty()) add("closed descriptors: " + fewer);
    if (threads != after.threads)
        add("threads: " + std::to_string(threads) + " before, " + std::to_string(after.threads) + " after");
    if (signals != after.signals) add("signal handling: " + signals + "before, " + after.signals + "after");
    if (umask != after.umask) add(umask + " before, " + after.umask + " after");
    if (folder != after.folder) add("working folder: " + folder + " before, " + after.folder + " after");
    if (environment != after.environment) add("the environment changed");
    return out;
}

std::string new_descriptors(const ProcessState& before, const ProcessState& after) {
    std::set<std::string> fresh;
    for (const auto& one : after.descriptors)
        if (!before.descriptors.contains(one)) fresh.insert(one);
    return joined(fresh);
}

ProcessState settled(std::size_t threads) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(1);
    for (;;) {
        ProcessState state = ProcessState::now();
        if (state.threads <= threads || std::chrono::steady_clock::now() > end) return state;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
}

ProcessState quiet() {
    ProcessState before = ProcessState::now();
    for (int looks = 0; looks < 50; ++looks) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        ProcessState state = ProcessState::now();
        if (state.threads == before.threads) return state;
        before = std::move(state);
    }
    return before;
}

SharedObject SharedObject::read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    const auto at = [&](std::size_t offset, void* into, std::size_t size) {
        if (offset > bytes.size() || size > bytes.size() - offset)
            throw std::runtime_error(path + " is no complete ELF shared object");
        std::memcpy(into, bytes.data() + offset, size);
    };
    Elf64_Ehdr header{};
    at(0, &header, sizeof header);
    if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64)
        throw std::runtime_error(path + " is no 64-bit ELF shared object");
    const auto section = [&](std::size_t i) {
        Elf64_Shdr s{};
        at(header.e_shoff + i * sizeof s, &s, sizeof s);
        return s;
    };
    SharedObject object;
    for (std::size_t i = 0; i < header.e_shnum; ++i) {
        const Elf64_Shdr s = section(i);
        if (s.sh_type == SHT_DYNSYM) {
            const Elf64_Shdr names = section(s.sh_link);
            for (std::size_t k = 0; k < s.sh_size / sizeof(Elf64_Sym); ++k) {
                Elf64_Sym symbol{};
                at(s.sh_offset + k * sizeof symbol, &symbol, sizeof symbol);
                const auto start = names.sh_offset + symbol.st_name;
                if (symbol.st_shndx == SHN_UNDEF || start >= bytes.size()) continue;
                const std::string name = bytes.c_str() + start;
                if (!name.empty() && !is_runtime(name)) object.exported.push_back(name);
            }
        }
        if (s.sh_type == SHT_DYNAMIC)
            for (std::size_t k = 0; k < s.sh_size / sizeof(Elf64_Dyn); ++k) {
                Elf64_Dyn entry{};
                at(s.sh_offset + k * sizeof entry, &entry, sizeof entry);
                if (entry.d_tag == DT_FLAGS && (entry.d_un.d_val & DF_BIND_NOW) != 0) object.bound_now = true;
                if (entry.d_tag == DT_FLAGS_1) {
                    object.bound_now = object.bound_now || (entry.d_un.d_val & DF_1_NOW) != 0;
                    object.never_unloaded = (entry.d_un.d_val & DF_1_NODELETE) != 0;
                }
            }
    }
    return object;
}

}  // namespace acp::conformance
