// What a call to the store of short-lived values costs: CPU of this process and
// time, per call, for each backend. Starts Redis and PostgreSQL itself.
//
//   state-bench [--calls N] [--bytes B] [--threads T]
#include <time.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "state/memory.h"
#include "state/postgresql.h"
#include "state/redis.h"
#include "state/sealed_store.h"
#include "state/sqlite.h"
#include "support/databases.h"

namespace {

using namespace acp;
using namespace acp::state;

struct Settings {
    int calls = 20'000;
    std::size_t bytes = 1024;
    int threads = 1;
};

template <typename T>
T must(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().message + " / " + result.error().internal);
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

double cpu_seconds() {
    timespec now{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

/// `call(thread, number)`, `calls` times in all.
template <typename Call>
void measure(const Settings& settings, const char* backend, const char* what, Call call) {
    const auto start = std::chrono::steady_clock::now();
    const double cpu = cpu_seconds();
    std::vector<std::thread> threads;
    for (int t = 0; t < settings.threads; ++t)
        threads.emplace_back([&, t] {
            for (int i = t; i < settings.calls; i += settings.threads) call(i);
        });
    for (auto& thread : threads) thread.join();
    const double used = cpu_seconds() - cpu, took = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    std::printf("%-11s %-8s %8.2f us CPU %9.2f us\n", backend, what, used / settings.calls * 1e6, took * settings.threads / settings.calls * 1e6);
}

void run(const Settings& settings, const char* name, std::unique_ptr<Backend> backend) {
    SealedStore store(std::move(backend), random_keys());
    const std::string value(settings.bytes, 'v');
    constexpr int kKeys = 1000;
    constexpr std::int64_t kTtlMs = 600'000;
    const auto key = [](int i) { return "session-" + std::to_string(i % kKeys); };
    must(store.ping());
    measure(settings, name, "put", [&](int i) { must(store.put({"bench", key(i), value, kTtlMs, If::any, 0})); });
    measure(settings, name, "get", [&](int i) {
        if (!must(store.get("bench", key(i)))) throw std::runtime_error("a value is missing");
    });
    measure(settings, name, "count", [&](int i) { must(store.count("bench", key(i), kTtlMs)); });
    measure(settings, name, "lock", [&](int i) {
        const std::string own = "lock-" + std::to_string(i);
        must(store.unlock(own, must(store.lock(own, kTtlMs))));
    });
}

}  // namespace

int main(int argc, char** argv) try {
    Settings settings;
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string option = argv[i];
        if (option == "--calls") settings.calls = std::stoi(argv[i + 1]);
        if (option == "--bytes") settings.bytes = std::stoul(argv[i + 1]);
        if (option == "--threads") settings.threads = std::stoi(argv[i + 1]);
    }
    run(settings, "memory", memory_backend());
    const auto folder = std::filesystem::temp_directory_path() / ("acp-state-bench-" + random_token(6));
    std::filesystem::create_directory(folder);
    run(settings, "sqlite", sqlite_backend(folder / "state.db"));
    std::filesystem::remove_all(folder);
    test::RedisServer redis;
    redis.start();
    run(settings, "redis", must(redis_backend(must(parse_redis_url(redis.url())))));
    test::PostgresqlServer postgresql;
    postgresql.start();
    run(settings, "postgresql", must(postgresql_backend(postgresql.url())));
    return 0;
} catch (const std::exception& e) {
    std::fprintf(stderr, "state-bench: %s\n", e.what());
    return 1;
}
