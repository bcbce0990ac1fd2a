// The four backends for one test: a key space of its own, and a way to let time pass.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "base/bytes.h"
#include "state/key_file.h"
#include "state/sealed_store.h"
#include "support/databases.h"

namespace acp::state::test {

/// Ends the test when `result` is an error.
template <typename T>
T must(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().slug + ": " + result.error().message + " / " + result.error().internal);
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

/// Keeps a backend alive for several stores, as replicas share a database.
class Shared : public Backend {
public:
    explicit Shared(std::shared_ptr<Backend> backend) : backend_(std::move(backend)) {}
    Result<std::optional<Entry>> get(const std::string& n) override { return backend_->get(n); }
    Result<std::uint64_t> put(const Row& r) override { return backend_->put(r); }
    Result<std::optional<Entry>> take(const std::string& n) override { return backend_->take(n); }
    Result<bool> remove(const std::string& n) override { return backend_->remove(n); }
    Result<std::uint64_t> count(const std::string& n, std::int64_t t) override { return backend_->count(n, t); }
    Result<void> remember(const std::string& o, const Member& m, std::int64_t t) override { return backend_->remember(o, m, t); }
    Result<std::vector<Member>> members(const std::string& o) override { return backend_->members(o); }
    Result<void> forget(const std::string& o, const std::string& m) override { return backend_->forget(o, m); }
    Result<std::uint64_t> lock(const std::string& n, std::int64_t t) override { return backend_->lock(n, t); }
    Result<void> unlock(const std::string& n, std::uint64_t f) override { return backend_->unlock(n, f); }
    Result<void> ping() override { return backend_->ping(); }

private:
    std::shared_ptr<Backend> backend_;
};

/// One key set for the whole program: two benches on one server are replicas.
const KeySet& keys();
KeySet copy(const KeySet& from);

class Bench {
public:
    virtual ~Bench() = default;
    /// Another process's way to the same data.
    virtual std::unique_ptr<Backend> backend() = 0;
    /// Whether time passes by advance() alone.
    virtual bool has_clock() const { return false; }
    void advance(std::int64_t ms) { now_ms_ += ms; }

    std::unique_ptr<Store> store(const KeySet& with = keys()) { return std::make_unique<SealedStore>(backend(), with); }
    /// `name` as a key that no other test has.
    std::string own(const std::string& name) const { return mark_ + name; }

    /// A short time to live, and `check` when it is over; on a real clock, as soon as it holds.
    static constexpr std::int64_t kShortMs = 150;
    bool later(const std::function<bool()>& check) {
        if (has_clock()) {
            advance(kShortMs);
            return check();
        }
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (!check()) {
            if (std::chrono::steady_clock::now() > end) return false;
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        return true;
    }

protected:
    Clock clock() {
        return [this] { return now_ms_.load(); };
    }

private:
    std::atomic<std::int64_t> now_ms_{1'800'000'000'000};
    const std::string mark_ = random_token(6);
};

class MemoryBench : public Bench {
public:
    std::unique_ptr<Backend> backend() override;
    bool has_clock() const override { return true; }

private:
    std::shared_ptr<Backend> shared_;
};

class SqliteBench : public Bench {
public:
    SqliteBench();
    ~SqliteBench() override;
    std::unique_ptr<Backend> backend() override;
    bool has_clock() const override { return true; }
    std::string file() const { return folder_ + "/state.db"; }

private:
    std::string folder_;
};

class RedisBench : public Bench {
public:
    std::unique_ptr<Backend> backend() override;
};

class PostgresqlBench : public Bench {
public:
    std::unique_ptr<Backend> backend() override;
};

}  // namespace acp::state::test
