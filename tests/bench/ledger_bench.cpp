// How much the ledger's group commit gains: runs begun by 64 concurrent
// actions, against the same rows inserted with one sync each on the same disk.
// Both take turns, so that a disk that changes its mood does so for both.
//
//   ledger-bench [--dir D] [--rounds N] [--seconds S] [--concurrency C]
//
// The plain side only inserts into workload_runs, prepared once: no chain, no
// redaction, no digest. The actions live on two threads, as on two event
// loops: an action whose row is durable begins the next one.
#include <Poco/Data/Statement.h>
#include <stdlib.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "ledger/ledger.h"
#include "ledger/sqlite_session.h"
#include "ledger/verify.h"

namespace {

using namespace acp;
using namespace acp::ledger;
using Clock = std::chrono::steady_clock;

struct Settings {
    std::string dir = std::filesystem::temp_directory_path().string();
    int rounds = 5;
    double seconds = 1.0;
    std::size_t concurrency = 64;
};

double cpu_seconds() {
    timespec now{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

RunIntent sample() {
    RunIntent intent;
    intent.action = "workload.scale";
    intent.provider_alias = "local";
    intent.target = "checkout";
    intent.namespace_ = "production";
    intent.user_id = "auth0|5f7c8ec7c33c6c004bbafe82";
    intent.organization_id = "org_2fYq7nR1";
    intent.request_id = "018f2f6e-9c1a-7b3c-8d4e-5f6a7b8c9d0e";
    static const json::Var payload =
        json::parse(R"({"replicas":3,"image":"registry.example.com/checkout:1.8.2"})").value();
    intent.payload = payload;
    return intent;
}

/// Some of the concurrent actions on one thread.
class Loop {
public:
    Loop(Ledger& ledger, std::size_t actions, Clock::time_point end)
        : ledger_(ledger), end_(end), ready_(actions), actions_(actions), thread_([this] { run(); }) {}
    std::size_t join() {
        thread_.join();
        return begun_;
    }

private:
    void run() {
        std::size_t idle = 0;  // actions that saw the end
        while (idle < actions_) {
            std::size_t count = 0;
            {
                std::unique_lock lock(mutex_);
                wake_.wait(lock, [this] { return ready_ > 0; });
                std::swap(count, ready_);
            }
            for (; count > 0; --count) {
                if (Clock::now() >= end_) {
                    ++idle;
                    continue;
                }
                ledger_.begin(sample(), std::nullopt, [this](Result<Begun> begun) { durable(begun.has_value()); });
            }
        }
    }
    void durable(bool started) {
        if (!started) std::abort();
        std::lock_guard lock(mutex_);
        ++begun_;
        if (ready_++ == 0) wake_.notify_one();
    }

    Ledger& ledger_;
    const Clock::time_point end_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::size_t ready_;  ///< actions that may go on; under mutex_
    std::size_t begun_ = 0;
    const std::size_t actions_;
    std::thread thread_;
};

double grouped_rate(Ledger& ledger, const Settings& settings) {
    auto start = Clock::now();
    auto end = start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(settings.seconds));
    Loop first(ledger, settings.concurrency / 2, end);
    Loop second(ledger, settings.concurrency - settings.concurrency / 2, end);
    std::size_t begun = first.join() + second.join();
    return static_cast<double>(begun) / seconds_since(start);
}

/// A copy of the ledger's run table in a database of its own.
class Plain {
public:
    Plain(Poco::Data::Session session, const std::string& table) : session_(std::move(session)), insert_(session_) {
        using namespace Poco::Data::Keywords;
        session_ << table, now;
        insert_
            << "INSERT INTO workload_runs (id, run_uid, started_at, status, action, provider_alias, target, namespace, "
               "user_id, actor_kind, organization_id, request_id, payload, prev_hash, row_hash) "
               "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            use(id_), use(uid_);
        for (auto& value : values_) insert_, use(value);
    }

    double rate(const Settings& settings) {
        auto start = Clock::now();
        std::size_t rows = 0;
        while (seconds_since(start) < settings.seconds) {
            ++id_;
            uid_ = uuid7();
            insert_.execute();  // without BEGIN: its own transaction, its own sync
            ++rows;
        }
        return static_cast<double>(rows) / seconds_since(start);
    }

private:
    Poco::Data::Session session_;
    Poco::Data::Statement insert_;
    Poco::Int64 id_ = 0;
    std::string uid_;
    std::vector<std::string> values_ = {"2026-01-31T08:15:00.123Z",
                                        "running",
                                        "workload.scale",
                                        "local",
                                        "checkout",
                                        "production",
                                        "auth0|5f7c8ec7c33c6c004bbafe82",
                                        "user",
                                        "org_2fYq7nR1",
                                        "018f2f6e-9c1a-7b3c-8d4e-5f6a7b8c9d0e",
                                        R"({"replicas":3,"image":"registry.example.com/checkout:1.8.2"})",
                                        std::string(64, 'a'),
                                        std::string(64, 'b')};
};

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

bool read_arguments(int argc, char** argv, Settings& settings) {
    for (int i = 1; i + 1 < argc; i += 2) {
        if (std::strcmp(argv[i], "--dir") == 0)
            settings.dir = argv[i + 1];
        else if (std::strcmp(argv[i], "--rounds") == 0)
            settings.rounds = std::max(std::atoi(argv[i + 1]), 1);
        else if (std::strcmp(argv[i], "--seconds") == 0)
            settings.seconds = std::max(std::atof(argv[i + 1]), 0.01);
        else if (std::strcmp(argv[i], "--concurrency") == 0)
            settings.concurrency = static_cast<std::size_t>(std::max(std::atoi(argv[i + 1]), 2));
        else
            return false;
    }
    return argc % 2 == 1;
}

int measure(const Settings& settings, const std::string& dir) {
    LedgerOptions options;
    options.path = dir + "/grouped.db";
    auto ledger = Ledger::open(options);
    if (!ledger) {
        std::fprintf(stderr, "%s\n", ledger.error().message.c_str());
        return 1;
    }
    std::string table;
    auto grouped = open_session(options.path, Access::read_only);
    *grouped << "SELECT sql FROM sqlite_schema WHERE name = 'workload_runs'", Poco::Data::Keywords::into(table),
        Poco::Data::Keywords::now;
    std::fclose(std::fopen((dir + "/plain.db").c_str(), "w"));
    auto session = open_session(dir + "/plain.db", Access::read_write);
    if (!session) {
        std::fprintf(stderr, "%s\n", session.error().message.c_str());
        return 1;
    }
    Plain plain(std::move(*session), table);

    std::vector<double> one, many;
    double cpu = 0;
    for (int round = 0; round < settings.rounds; ++round) {
        one.push_back(plain.rate(settings));
        double cpu_before = cpu_seconds();
        many.push_back(grouped_rate(**ledger, settings));
        cpu += cpu_seconds() - cpu_before;
        std::printf("round %d: one sync a row %8.0f rows/s, ledger %8.0f rows/s\n", round + 1, one.back(), many.back());
    }
    Counters counters = (*ledger)->counters();
    std::printf("median: one sync a row %.0f rows/s, ledger with %zu actions %.0f rows/s, ratio %.1f\n", median(one),
                settings.concurrency, median(many), median(many) / median(one));
    std::printf("ledger: %.1f rows a commit, %.0f us a commit, %.1f us CPU a row\n",
                static_cast<double>(counters.rows) / static_cast<double>(counters.commits),
                static_cast<double>(counters.commit_ns) / 1e3 / static_cast<double>(counters.commits),
                cpu * 1e6 / static_cast<double>(counters.rows));
    auto report = verify(options.path);
    if (!report || !report->intact() || report->runs != counters.rows) {
        std::fprintf(stderr, "the ledger does not verify\n");
        return 1;
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    Settings settings;
    if (!read_arguments(argc, argv, settings)) {
        std::fprintf(stderr, "usage: ledger-bench [--dir D] [--rounds N] [--seconds S] [--concurrency C]\n");
        return 2;
    }
    std::string dir = settings.dir + "/ledger-bench-XXXXXX";
    if (::mkdtemp(dir.data()) == nullptr) {
        std::perror(dir.c_str());
        return 1;
    }
    int code = 1;
    try {
        code = measure(settings, dir);
    } catch (const Poco::Exception& e) {
        std::fprintf(stderr, "%s\n", e.displayText().c_str());
    }
    std::error_code ignored;
    std::filesystem::remove_all(dir, ignored);
    return code;
}
