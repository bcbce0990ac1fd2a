#include "wire/loop.h"

#include <catch2/catch.hpp>
#include <set>
#include <thread>
#include <vector>

using namespace acp::wire;

namespace {

struct Node final : TimeoutNode {
    std::vector<Node*>* fired = nullptr;
    std::function<void(TimeoutList&)> then;
    void on_evicted() override { evicted = true; }
    bool evicted = false;
    void on_timeout(TimeoutList& list) override {
        if (fired) fired->push_back(this);
        if (then) then(list);
    }
};

constexpr std::int64_t kMs = 1'000'000;

}  // namespace

TEST_CASE("a timeout list fires in order of arming, and only what is due") {
    TimeoutList list(10);
    std::vector<Node*> fired;
    Node a, b, c;
    for (auto* n : {&a, &b, &c}) n->fired = &fired;
    CHECK(list.next_deadline() == INT64_MAX);
    list.arm(a, 0);
    list.arm(b, 1 * kMs);
    list.arm(c, 2 * kMs);
    CHECK(list.next_deadline() == 10 * kMs);
    list.expire(10 * kMs - 1);
    CHECK(fired.empty());
    list.expire(11 * kMs);
    CHECK(fired == std::vector<Node*>{&a, &b});
    CHECK_FALSE(a.armed_in(list));
    CHECK(c.armed_in(list));
    CHECK(list.next_deadline() == 12 * kMs);
}

TEST_CASE("arming again moves a node behind the others, also from one list to another") {
    TimeoutList list(10), other(5);
    std::vector<Node*> fired;
    Node a, b;
    a.fired = b.fired = &fired;
    list.arm(a, 0);
    list.arm(b, 0);
    list.arm(a, 3 * kMs);
    list.expire(10 * kMs);
    CHECK(fired == std::vector<Node*>{&b});
    other.arm(a, 3 * kMs);
    CHECK_FALSE(a.armed_in(list));
    CHECK(list.next_deadline() == INT64_MAX);
    other.expire(8 * kMs);
    CHECK(fired == std::vector<Node*>{&b, &a});
}

TEST_CASE("arming again within a moment leaves the order and the deadline alone") {
    TimeoutList list(1600);
    std::vector<Node*> fired;
    Node a, b;
    a.fired = b.fired = &fired;
    list.arm(a, 0);
    list.arm(b, 0);
    list.arm(a, 99 * kMs);
    CHECK(list.next_deadline() == 1600 * kMs);
    list.expire(1600 * kMs);
    CHECK(fired == std::vector<Node*>{&a, &b});
    list.arm(a, 0);
    list.arm(a, 100 * kMs);
    CHECK(list.next_deadline() == 1700 * kMs);
    a.disarm();
}

TEST_CASE("eviction takes the one that was armed first") {
    TimeoutList list(10);
    Node a, b;
    CHECK_FALSE(list.evict_first());
    list.arm(a, 0);
    list.arm(b, 1 * kMs);
    CHECK(list.evict_first());
    CHECK(a.evicted);
    CHECK_FALSE(b.evicted);
    CHECK_FALSE(a.armed_in(list));
    CHECK(list.evict_first());
    CHECK_FALSE(list.evict_first());
}

TEST_CASE("a timeout may disarm, re-arm and destroy others of its list") {
    TimeoutList list(10);
    std::vector<Node*> fired;
    Node a, b;
    auto c = std::make_unique<Node>();
    a.fired = b.fired = c->fired = &fired;
    list.arm(a, 0);
    list.arm(b, 0);
    list.arm(*c, 0);
    a.then = [&](TimeoutList& same) {
        c.reset();
        b.disarm();
        same.arm(a, 10 * kMs);
    };
    list.expire(10 * kMs);
    CHECK(fired == std::vector<Node*>{&a});
    CHECK(list.next_deadline() == 20 * kMs);
}

TEST_CASE("a node that dies leaves its list") {
    TimeoutList list(1);
    {
        Node a;
        list.arm(a, 0);
    }
    CHECK(list.next_deadline() == INT64_MAX);
}

TEST_CASE("timers run in order of their time, and a cancelled one does not run") {
    Loop loop(0, {});
    std::vector<int> order;
    loop.after(6, [&] { order.push_back(3); });
    loop.after(2, [&] { order.push_back(1); });
    loop.after(4, [&] { order.push_back(2); });
    const auto key = loop.after(5, [&] { order.push_back(99); });
    loop.cancel(key);
    loop.cancel(key);
    loop.after(8, [&] {
        order.push_back(4);
        loop.after(1, [&] { loop.stop(); });
    });
    loop.run();
    CHECK(order == std::vector<int>{1, 2, 3, 4});
}

TEST_CASE("tasks posted by many threads all run, each thread's in order") {
    constexpr int kThreads = 4, kTasks = 2000;
    Loop loop(0, {});
    std::vector<int> last(kThreads, -1);
    int ran = 0;
    bool in_order = true;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < kTasks; ++i)
                loop.post([&, t, i] {
                    in_order = in_order && last[static_cast<std::size_t>(t)] == i - 1;
                    last[static_cast<std::size_t>(t)] = i;
                    if (++ran == kThreads * kTasks) loop.stop();
                });
        });
    loop.run();
    for (auto& t : threads) t.join();
    CHECK(ran == kThreads * kTasks);
    CHECK(in_order);
}

TEST_CASE("what is posted before the loop runs is done; after its end it is dropped and freed") {
    Loop loop(0, {});
    auto owned = std::make_shared<int>(1);
    bool ran = false;
    loop.post([&] { ran = true; });
    loop.post([&] { loop.stop(); });
    loop.run();
    CHECK(ran);
    loop.post([owned, &ran] { ran = false; });
    CHECK(ran);
    CHECK(owned.use_count() == 1);
}

TEST_CASE("what waits for a time is freed when the loop ends") {
    auto owned = std::make_shared<int>(1);
    Loop loop(0, {});
    loop.after(60'000, [owned] {});
    loop.post([&] { loop.stop(); });
    loop.run();
    CHECK(owned.use_count() == 1);
}

TEST_CASE("request ids are 29 characters, rising, and differ between loops") {
    Loop loop(0, {}), other(1, {});
    std::set<std::string> ids;
    std::string last;
    for (int i = 0; i < 5000; ++i) {
        std::string id(loop.next_request_id());
        REQUIRE(id.size() == 29);
        REQUIRE(id > last);
        ids.insert(id);
        last = id;
    }
    CHECK(ids.size() == 5000);
    CHECK(other.next_request_id().substr(0, 12) != last.substr(0, 12));
}

TEST_CASE("the date line has the form of RFC 9110 section 5.6.7") {
    Loop loop(0, {});
    const std::string line(loop.date_line());
    CHECK(line.size() == 37);
    CHECK(line.starts_with("Date: "));
    CHECK(line.ends_with(" GMT\r\n"));
}

TEST_CASE("buffers are lent again") {
    Limits limits;
    limits.header_bytes = 1000;
    Loop loop(0, limits);
    CHECK(loop.buffer_bytes() == 5096);
    auto buffer = loop.borrow_buffer();
    const char* address = buffer.get();
    loop.give_back(std::move(buffer));
    CHECK(loop.borrow_buffer().get() == address);
}
