// The memory of verified tokens: bounded, never past exp, and without
// allocation where every request asks it.
#include "identity/token_cache.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <new>
#include <string>
#include <thread>
#include <vector>

using namespace acp;
using namespace acp::identity;

namespace {

thread_local std::size_t allocations = 0;

Verified of(const std::string& subject, std::int64_t expires) {
    Principal who;
    who.subject = subject;
    who.expires_unix_s = expires;
    return {std::make_shared<const Principal>(who), {}};
}

Sha256 digest(int i) {
    return token_digest("token " + std::to_string(i));
}

}  // namespace

// The sanitizers have operators of their own, and are not to be blinded.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool counts_allocations = false;
#else
constexpr bool counts_allocations = true;
void* operator new(std::size_t size) {
    ++allocations;
    if (void* memory = std::malloc(size)) return memory;
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
#endif

TEST_CASE("the digest is SHA-256", "[cache]") {
    for (const std::string text : {"", "abc", "a.b.c"}) CHECK(token_digest(text) == sha256(text));
    CHECK(token_digest(std::string(8192, 'x')) == sha256(std::string(8192, 'x')));
}

TEST_CASE("what was kept is found until it expires", "[cache]") {
    TokenCache cache(100);
    CHECK_FALSE(cache.find(digest(1), 0).principal);
    cache.keep(digest(1), of("a", 1000), cache.generation());
    CHECK(cache.find(digest(1), 999).principal->subject == "a");
    CHECK_FALSE(cache.find(digest(1), 1000).principal);
    CHECK_FALSE(cache.find(digest(2), 0).principal);
    cache.keep(digest(1), of("b", 2000), cache.generation());
    CHECK(cache.find(digest(1), 1500).principal->subject == "b");
    cache.drop(digest(1));
    CHECK_FALSE(cache.find(digest(1), 0).principal);
    CHECK(cache.counts().hits == 2);
    CHECK(cache.counts().misses == 4);
}

TEST_CASE("asking allocates nothing", "[cache]") {
    TokenCache cache(100);
    const std::string token(2000, 't');
    cache.keep(token_digest(token), of("a", 1000), cache.generation());
    const std::size_t before = allocations;
    const bool found = cache.find(token_digest(token), 1).principal != nullptr;
    const bool lost = cache.find(token_digest("another"), 1).principal == nullptr;
    const std::size_t after = allocations;
    CHECK(found);
    CHECK(lost);
    CHECK(after == before);
    if (!counts_allocations) return;
    // The counter counts: keeping a token does allocate.
    cache.keep(token_digest("b"), of("b", 1000), cache.generation());
    CHECK(allocations > after);
}

TEST_CASE("it is bounded, and gives up what nobody asks for", "[cache]") {
    TokenCache cache(1024);
    for (int i = 0; i < 128; ++i) cache.keep(digest(i), of(std::to_string(i), 1000), cache.generation());
    // A flood of tokens of which each is used once does not wash out those in use.
    for (int i = 1000; i < 6000; ++i) {
        cache.keep(digest(i), of("flood", 1000), cache.generation());
        for (int j = 0; i % 50 == 0 && j < 128; ++j) cache.find(digest(j), 1);
    }
    std::size_t kept = 0, all = 0;
    for (int i = 0; i < 128; ++i) kept += cache.find(digest(i), 1).principal ? 1 : 0;
    for (int i = 0; i < 6000; ++i) all += cache.find(digest(i), 1).principal ? 1 : 0;
    CHECK(kept >= 120);
    CHECK(all <= 1024);
    CHECK(all > 900);
    CHECK(cache.counts().evictions > 0);
}

TEST_CASE("a cache of no entries keeps nothing", "[cache]") {
    TokenCache cache(0);
    cache.keep(digest(1), of("a", 1000), cache.generation());
    CHECK_FALSE(cache.find(digest(1), 1).principal);
    cache.drop(digest(1));
    cache.clear();
}

TEST_CASE("what a clear overtook is not kept", "[cache]") {
    TokenCache cache(100);
    const auto generation = cache.generation();
    cache.keep(digest(1), of("a", 1000), generation);
    cache.clear();
    CHECK_FALSE(cache.find(digest(1), 1).principal);
    cache.keep(digest(1), of("a", 1000), generation);
    CHECK_FALSE(cache.find(digest(1), 1).principal);
    cache.keep(digest(1), of("a", 1000), cache.generation());
    CHECK(cache.find(digest(1), 1).principal);
}

TEST_CASE("some are dropped by what they are", "[cache]") {
    TokenCache cache(100);
    for (int i = 0; i < 50; ++i) cache.keep(digest(i), of(i % 2 == 0 ? "even" : "odd", 1000), cache.generation());
    cache.drop_if([](const Verified& verified) { return verified.principal->subject == "even"; });
    std::size_t even = 0, odd = 0;
    for (int i = 0; i < 50; ++i) (i % 2 == 0 ? even : odd) += cache.find(digest(i), 1).principal ? 1 : 0;
    CHECK(even == 0);
    CHECK(odd > 15);
}

TEST_CASE("several threads at once", "[cache]") {
    TokenCache cache(64);
    std::vector<std::thread> threads;
    std::atomic<int> wrong{0};
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < 2000; ++i) {
                const int n = (i * 7 + t) % 300;
                const auto found = cache.find(digest(n), 1);
                if (found.principal && found.principal->subject != std::to_string(n)) ++wrong;
                if (!found.principal) cache.keep(digest(n), of(std::to_string(n), 1000), cache.generation());
                if (i % 500 == 0) cache.clear();
                if (i % 300 == 0) cache.drop_if([](const Verified& v) { return v.principal->subject == "7"; });
            }
        });
    for (auto& thread : threads) thread.join();
    CHECK(wrong == 0);
}
