#include "state/open.h"

#include "state/key_file.h"
#include "state/memory.h"
#include "state/postgresql.h"
#include "state/postgresql_connection.h"
#include "state/redis.h"
#include "state/sealed_store.h"
#include "state/sqlite.h"

namespace acp::state {

namespace {

Result<std::unique_ptr<Backend>> backend_of(const Options& options) {
    if (options.kind == "memory") return memory_backend();
    if (options.kind == "sqlite") return sqlite_backend(options.path);
    if (options.kind == "postgresql") return postgresql_backend(options.url);
    if (options.kind == "redis") {
        auto url = parse_redis_url(options.url);
        if (!url) return fail(url.error());
        return redis_backend(std::move(*url));
    }
    return fail(Code::invalid, "state_kind", "unknown; memory, sqlite, postgresql and redis are known");
}

Result<KeySet> keys_of(const Options& options) {
    if (options.kind == "memory") return random_keys();
    if (options.kind == "sqlite") return read_or_make_keys(options.key_file);
    auto keys = read_keys(options.key_file);
    if (keys || keys.error().code != Code::not_found) return keys;
    const std::string file = options.key_file.string();
    return fail(Code::invalid, "state_key",
                "the key file " + file + " does not exist; replicas share it, so it is not made here: run once `(umask 077; openssl rand -base64 32 | tr '+/' '-_' | tr -d '=' > " +
                    file + ")` and copy it to every replica");
}

}  // namespace

Result<std::unique_ptr<Store>> open(const Options& options) {
    auto backend = backend_of(options);
    if (!backend) return fail(backend.error().code, backend.error().slug, "state." + std::string(backend.error().slug == "state_url" ? "url: " : "kind " + options.kind + ": ") + backend.error().message);
    auto keys = keys_of(options);
    if (!keys) return fail(keys.error().code, keys.error().slug, "state.key_file: " + keys.error().message);
    return std::make_unique<SealedStore>(std::move(*backend), *keys);
}

Result<void> check_url(const std::string& kind, const std::string& url) {
    if (kind == "postgresql") return check_postgresql_url(url);
    if (auto parsed = parse_redis_url(url); !parsed) return fail(parsed.error());
    return {};
}

}  // namespace acp::state
