#include "work/pool.h"

#include <catch2/catch.hpp>
#include <future>
#include <thread>

using acp::work::Pool;

namespace {

/// Holds pool threads until it opens.
class Barrier {
public:
    void wait() { gate_.wait(); }
    void open() { promise_.set_value(); }

private:
    std::promise<void> promise_;
    std::shared_future<void> gate_ = promise_.get_future().share();
};

template <typename Condition>
bool eventually(Condition condition) {
    for (int i = 0; i < 20'000; ++i) {
        if (condition()) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
}

}  // namespace

TEST_CASE("a full pool says so at once, and again has room afterwards") {
    Pool pool("test", 2, 1);
    Barrier barrier;
    std::atomic<int> ran{0};
    const auto task = [&] {
        barrier.wait();
        ++ran;
    };
    for (int i = 0; i < 3; ++i) REQUIRE(pool.try_run(task));
    CHECK_FALSE(pool.try_run(task));
    CHECK_FALSE(pool.reserve());
    REQUIRE(eventually([&] { return pool.stats().busy == 2; }));
    CHECK(pool.stats().queued == 1);
    CHECK(pool.stats().limit == 3);
    CHECK(pool.stats().refused == 2);
    barrier.open();
    REQUIRE(eventually([&] { return pool.stats().done == 3; }));
    CHECK(ran == 3);
    CHECK(pool.try_run([] {}));
}

TEST_CASE("tasks that wait for each other all get a thread") {
    // Each ends only when all have begun: fewer threads would never end.
    constexpr int kThreads = 8;
    Pool pool("test", kThreads, 0);
    for (int round = 0; round < 20; ++round) {
        std::promise<void> all;
        auto together = all.get_future().share();
        std::atomic<int> inside{0};
        std::vector<std::future<void>> done;
        for (int i = 0; i < kThreads; ++i) {
            auto ended = std::make_shared<std::promise<void>>();
            done.push_back(ended->get_future());
            REQUIRE(eventually([&] {
                return pool.try_run([&, together, ended] {
                    if (++inside == kThreads) all.set_value();
                    together.wait();
                    ended->set_value();
                });
            }));
        }
        for (auto& d : done) REQUIRE(d.wait_for(std::chrono::seconds(20)) == std::future_status::ready);
    }
    CHECK(pool.stats().threads <= kThreads);
}

TEST_CASE("a reservation holds a place, used or given back") {
    Pool pool("test", 1, 0);
    REQUIRE(pool.reserve());
    CHECK_FALSE(pool.try_run([] {}));
    pool.cancel_reservation();
    REQUIRE(pool.reserve());
    std::promise<void> ran;
    pool.run_reserved([&] { ran.set_value(); });
    CHECK(ran.get_future().wait_for(std::chrono::seconds(20)) == std::future_status::ready);
}

TEST_CASE("a task that throws costs nothing but itself") {
    Pool pool("test", 1, 5);
    pool.try_run([] { throw std::runtime_error("a defect"); });
    pool.try_run([] { throw 7; });
    std::promise<void> ran;
    pool.try_run([&] { ran.set_value(); });
    CHECK(ran.get_future().wait_for(std::chrono::seconds(20)) == std::future_status::ready);
}

TEST_CASE("a task's captures are freed when it has run, not later") {
    Pool pool("test", 1, 5);
    auto owned = std::make_shared<int>(1);
    pool.try_run([owned] {});
    CHECK(eventually([&] { return owned.use_count() == 1; }));
}

TEST_CASE("stop takes nothing more and finishes what there is") {
    Pool pool("test", 1, 10);
    Barrier barrier;
    std::atomic<int> ran{0};
    pool.try_run([&] {
        barrier.wait();
        ++ran;
    });
    for (int i = 0; i < 5; ++i) REQUIRE(pool.try_run([&] { ++ran; }));
    auto stopped = std::async(std::launch::async, [&] { pool.stop(); });
    REQUIRE(eventually([&] { return !pool.try_run([] {}); }));
    CHECK(stopped.wait_for(std::chrono::seconds(0)) == std::future_status::timeout);
    barrier.open();
    REQUIRE(stopped.wait_for(std::chrono::seconds(20)) == std::future_status::ready);
    CHECK(ran >= 6);
    CHECK(pool.stats().threads == 0);
    pool.stop();
}

TEST_CASE("stop waits for reservations, and runs what they bring") {
    Pool pool("test", 2, 10);
    REQUIRE(pool.reserve());
    REQUIRE(pool.reserve());
    auto stopped = std::async(std::launch::async, [&] { pool.stop(); });
    REQUIRE(eventually([&] {
        if (!pool.reserve()) return true;
        pool.cancel_reservation();
        return false;
    }));
    CHECK(stopped.wait_for(std::chrono::milliseconds(20)) == std::future_status::timeout);
    std::atomic<bool> ran{false};
    pool.run_reserved([&] { ran = true; });
    REQUIRE(eventually([&] { return ran.load(); }));
    CHECK(stopped.wait_for(std::chrono::milliseconds(20)) == std::future_status::timeout);
    pool.cancel_reservation();
    CHECK(stopped.wait_for(std::chrono::seconds(20)) == std::future_status::ready);
}

TEST_CASE("reservations from many threads against a stop end cleanly") {
    for (int round = 0; round < 50; ++round) {
        auto pool = std::make_unique<Pool>("test", 3, 5);
        std::atomic<int> taken{0}, ran{0};
        std::vector<std::thread> threads;
        for (int t = 0; t < 4; ++t)
            threads.emplace_back([&, t] {
                for (int i = 0; i < 50; ++i) {
                    if (!pool->reserve()) continue;
                    if ((i + t) % 3 == 0) {
                        pool->cancel_reservation();
                        continue;
                    }
                    ++taken;
                    pool->run_reserved([&] { ++ran; });
                }
            });
        std::thread stopper([&] { pool->stop(); });
        for (auto& t : threads) t.join();
        stopper.join();
        pool.reset();
        REQUIRE(taken == ran);
    }
}
