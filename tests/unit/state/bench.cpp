#include "bench.h"

#include <filesystem>

#include "state/memory.h"
#include "state/postgresql.h"
#include "state/redis.h"
#include "state/sqlite.h"

namespace acp::state::test {

namespace {

/// Started with the first test that needs it.
template <typename Server>
Server& running() {
    static Server server;
    static const bool started = (server.start(), true);
    (void)started;
    return server;
}

}  // namespace

const KeySet& keys() {
    static const KeySet made = random_keys();
    return made;
}

KeySet copy(const KeySet& from) {
    KeySet out;
    out.sealing = from.sealing;
    out.naming = from.naming;
    return out;
}

std::unique_ptr<Backend> MemoryBench::backend() {
    if (!shared_) shared_ = memory_backend({}, clock());
    return std::make_unique<Shared>(shared_);
}

SqliteBench::SqliteBench() : folder_((std::filesystem::temp_directory_path() / ("acp-state-" + random_token(9))).string()) {
    std::filesystem::create_directory(folder_);
}

SqliteBench::~SqliteBench() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

std::unique_ptr<Backend> SqliteBench::backend() {
    return sqlite_backend(file(), clock());
}

std::unique_ptr<Backend> RedisBench::backend() {
    return must(redis_backend(must(parse_redis_url(running<acp::test::RedisServer>().url()))));
}

std::unique_ptr<Backend> PostgresqlBench::backend() {
    return must(postgresql_backend(running<acp::test::PostgresqlServer>().url()));
}

}  // namespace acp::state::test
