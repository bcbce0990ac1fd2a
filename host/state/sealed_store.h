// state: the store over any backend.
#pragma once

#include <memory>

#include "state/backend.h"
#include "state/seal.h"
#include "state/store.h"

namespace acp::state {

class SealedStore : public Store {
public:
    SealedStore(std::unique_ptr<Backend> backend, const KeySet& keys) : backend_(std::move(backend)), seal_(keys) {}

    Result<std::optional<Entry>> get(std::string_view space, std::string_view key) override;
    Result<std::uint64_t> put(const Write& write) override;
    Result<std::optional<Entry>> take(std::string_view space, std::string_view key) override;
    Result<bool> remove(std::string_view space, std::string_view key) override;
    Result<std::uint64_t> count(std::string_view space, std::string_view key, std::int64_t ttl_ms) override;
    Result<void> remember(std::string_view space, std::string_view owner, std::string_view member, std::int64_t ttl_ms) override;
    Result<std::vector<std::string>> members(std::string_view space, std::string_view owner) override;
    Result<void> forget(std::string_view space, std::string_view owner, std::string_view member) override;
    Result<std::uint64_t> lock(std::string_view name, std::int64_t ttl_ms) override;
    Result<void> unlock(std::string_view name, std::uint64_t fence) override;
    Result<void> ping() override { return backend_->ping(); }

private:
    Result<std::optional<Entry>> opened(std::string_view space, const std::string& name, Result<std::optional<Entry>> found) const;

    std::unique_ptr<Backend> backend_;
    Seal seal_;
};

}  // namespace acp::state
