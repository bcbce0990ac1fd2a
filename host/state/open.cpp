#include "state/open.h"

#include "state/key_file.h"
#include "state/memory.h"
#include "state/postgresql.h"
#include "state/redis.h"
#include "state/sealed_store.h"
#include "state/sqlite.h"

namespace acp::state {

namespace {

tl::unexpected<Error> wrong(const char* pointer, const std::string& detail) {
    Error error;
    error.code = Code::invalid;
    error.slug = "state_options";
    error.message = "the state store cannot be opened: " + detail;
    error.violations.push_back({pointer, detail});
    return fail(std::move(error));
}

Result<std::unique_ptr<Backend>> backend_of(const Options& options) {
    if (options.kind == "memory") return memory_backend();
    if (options.kind == "sqlite") return sqlite_backend(options.path);
    Result<std::unique_ptr<Backend>> made;
    if (options.kind == "postgresql") {
        made = postgresql_backend(options.url);
    } else if (options.kind == "redis") {
        auto url = parse_redis_url(options.url);
        if (!url) return wrong("/url", url.error().message);
        made = redis_backend(std::move(*url));
    } else {
        return wrong("/kind", "unknown; memory, sqlite, postgresql and redis are known");
    }
    if (!made) return wrong("/url", made.error().violations.empty() ? made.error().message : made.error().violations.front().detail);
    return made;
}

Result<KeySet> keys_of(const Options& options, bool may_make) {
    if (options.kind == "memory") return random_keys();
    const bool is_own = options.kind == "sqlite";
    auto keys = is_own && may_make ? read_or_make_keys(options.key_file) : read_keys(options.key_file);
    if (keys) return keys;
    if (keys.error().code != Code::not_found) return wrong("/key_file", keys.error().message);
    if (is_own) return random_keys();  // only asked, and open() would make it
    const std::string file = options.key_file.string();
    return wrong("/key_file", "the file " + file +
                                  " does not exist; replicas share it, so it is not made here: run once `(umask 077; openssl rand -base64 32 | "
                                  "tr '+/' '-_' | tr -d = > " +
                                  file + ")` and copy it to every replica");
}

}  // namespace

Result<std::unique_ptr<Store>> open(const Options& options) {
    auto backend = backend_of(options);
    if (!backend) return fail(backend.error());
    auto keys = keys_of(options, true);
    if (!keys) return fail(keys.error());
    return std::make_unique<SealedStore>(std::move(*backend), *keys);
}

Result<void> check(const Options& options) {
    if (auto backend = backend_of(options); !backend) return fail(backend.error());
    if (auto keys = keys_of(options, false); !keys) return fail(keys.error());
    return {};
}

}  // namespace acp::state
