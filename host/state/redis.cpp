#include "state/redis.h"

#include <openssl/evp.h>

#include <array>
#include <charconv>
#include <cstdlib>

#include "base/bytes.h"
#include "state/connection_pool.h"
#include "state/redis_connection.h"
#include "state/redis_scripts.h"

namespace acp::state {

namespace redis {

namespace {

std::string sha1_hex(std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr) != 1) std::abort();
    return hex({reinterpret_cast<const char*>(digest.data()), size});
}

}  // namespace

Script::Script(std::string_view text) : source(text), digest(sha1_hex(text)) {}

}  // namespace redis

namespace {

using resp::Reply;

constexpr std::string_view kPrefix = "{alphaswarm-cp}:";

std::string key_of(std::string_view table, const std::string& name) {
    return std::string(kPrefix).append(table).append(":").append(name);
}
std::string entry_key(const std::string& name) {
    return key_of("entry", name);
}

template <typename Number>
bool number(std::string_view text, Number& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc() && end == text.data() + text.size();
}

const char* word(If condition) {
    switch (condition) {
        case If::absent:
            return "absent";
        case If::version:
            return "version";
        case If::any:
            break;
    }
    return "any";
}

tl::unexpected<Error> unexpected_reply() {
    return unavailable("redis", "a reply is not of the kind that was asked for");
}

Result<std::optional<Entry>> entry_of(Result<Reply> reply) {
    if (!reply) return fail(reply.error());
    if (reply->is_null()) return std::nullopt;
    const std::string_view text = reply->text;
    const auto first = text.find(' ');
    const auto second = first == std::string_view::npos ? first : text.find(' ', first + 1);
    Entry entry;
    if (second == std::string_view::npos || !number(text.substr(0, first), entry.version) ||
        !number(text.substr(first + 1, second - first - 1), entry.expires_unix_ms))
        return unexpected_reply();
    entry.value = text.substr(second + 1);
    return entry;
}

/// A number that a script gives as text, Lua's own being doubles; null is `otherwise`.
Result<std::uint64_t> number_of(const Result<Reply>& reply, tl::unexpected<Error> (*otherwise)()) {
    if (!reply) return fail(reply.error());
    if (reply->is_null()) return otherwise();
    std::uint64_t out = 0;
    if (!number(std::string_view(reply->text), out)) return unexpected_reply();
    return out;
}

Result<void> done(const Result<Reply>& reply) {
    if (!reply) return fail(reply.error());
    return {};
}

class Redis : public Backend {
public:
    Redis(RedisUrl url, std::shared_ptr<const tls::ClientContext> context)
        : url_(std::move(url)), pool_("redis", [this, context = std::move(context)](std::int64_t deadline_ns) {
              return RedisConnection::open(url_, context, deadline_ns);
          }) {}
    ~Redis() override { wipe(url_.password); }

    Result<std::optional<Entry>> get(const std::string& name) override { return entry_of(ask({"GET", entry_key(name)})); }

    Result<std::uint64_t> put(const Row& row) override {
        return number_of(
            run(put_, {entry_key(row.name)}, {row.sealed, std::to_string(row.ttl_ms), word(row.condition), std::to_string(row.if_version)}),
            conflict);
    }

    Result<std::optional<Entry>> take(const std::string& name) override { return entry_of(ask({"GETDEL", entry_key(name)})); }

    Result<bool> remove(const std::string& name) override {
        auto reply = ask({"DEL", entry_key(name)});
        if (!reply) return fail(reply.error());
        return reply->number > 0;
    }

    Result<std::uint64_t> count(const std::string& name, std::int64_t ttl_ms) override {
        auto reply = run(count_, {key_of("counter", name)}, {std::to_string(ttl_ms)});
        if (!reply) return fail(reply.error());
        if (reply->kind != Reply::Kind::number || reply->number < 1) return unexpected_reply();
        return static_cast<std::uint64_t>(reply->number);
    }

    Result<void> remember(const std::string& owner, const Member& member, std::int64_t ttl_ms) override {
        return done(run(remember_, owner_keys(owner), {member.name, member.sealed, std::to_string(ttl_ms)}));
    }

    Result<std::vector<Member>> members(const std::string& owner) override {
        auto reply = run(members_, owner_keys(owner), {});
        if (!reply) return fail(reply.error());
        if (reply->kind != Reply::Kind::list || reply->list.size() % 2 != 0) return unexpected_reply();
        std::vector<Member> out;
        for (std::size_t i = 0; i < reply->list.size(); i += 2) out.push_back({std::move(reply->list[i].text), std::move(reply->list[i + 1].text)});
        return out;
    }

    Result<void> forget(const std::string& owner, const std::string& member) override { return done(run(forget_, owner_keys(owner), {member})); }

    Result<std::uint64_t> lock(const std::string& name, std::int64_t ttl_ms) override {
        return number_of(run(lock_, {key_of("lock", name), std::string(kPrefix) + "fence"}, {std::to_string(ttl_ms)}), held);
    }

    Result<void> unlock(const std::string& name, std::uint64_t fence) override {
        return done(run(unlock_, {key_of("lock", name)}, {std::to_string(fence)}));
    }

    Result<void> ping() override { return done(ask({"PING"}, kPingMs)); }

private:
    static std::vector<std::string> owner_keys(const std::string& owner) { return {key_of("members", owner), key_of("sealed", owner)}; }

    /// Error replies as our errors. After one the next call connects anew: a replica
    /// that is read-only, say, has a primary elsewhere now.
    static Result<Reply> judged(RedisConnection& connection, Result<Reply> reply) {
        if (!reply || reply->kind != Reply::Kind::error) return reply;
        if (reply->is_error("OOM ")) return full("redis", reply->text);
        connection.give_up();
        return unavailable("redis", reply->text);
    }

    Result<Reply> ask(std::initializer_list<std::string_view> words, std::int64_t limit_ms = kCallMs) {
        const std::string command = resp::command(words);
        return pool_.with(limit_ms, [&](RedisConnection& c, std::int64_t deadline_ns) { return judged(c, c.ask(command, deadline_ns)); });
    }

    Result<Reply> run(const redis::Script& script, const std::vector<std::string>& keys, const std::vector<std::string>& arguments) {
        const std::string key_count = std::to_string(keys.size());
        std::vector<std::string_view> words{"EVALSHA", script.digest, key_count};
        words.insert(words.end(), keys.begin(), keys.end());
        words.insert(words.end(), arguments.begin(), arguments.end());
        return pool_.with(kCallMs, [&](RedisConnection& c, std::int64_t deadline_ns) {
            auto reply = c.ask(resp::command(words), deadline_ns);
            if (reply && reply->is_error("NOSCRIPT ")) {
                words[0] = "EVAL";
                words[1] = script.source;
                reply = c.ask(resp::command(words), deadline_ns);
            }
            return judged(c, std::move(reply));
        });
    }

    RedisUrl url_;
    const redis::Script put_{redis::kPut}, count_{redis::kCount}, remember_{redis::kRemember}, members_{redis::kMembers}, forget_{redis::kForget},
        lock_{redis::kLock}, unlock_{redis::kUnlock};
    ConnectionPool<RedisConnection> pool_;
};

}  // namespace

Result<std::unique_ptr<Backend>> redis_backend(RedisUrl url) {
    std::shared_ptr<const tls::ClientContext> context;
    if (url.is_tls) {
        tls::ClientOptions options;
        if (!url.ca.empty()) options.ca_files.push_back(url.ca);
        if (!url.certificate.empty()) options.certificate = tls::KeyPair{url.certificate, url.key};
        auto loaded = tls::ClientContext::load(options);
        if (!loaded) return fail(loaded.error());
        context = std::move(*loaded);
    }
    return std::make_unique<Redis>(std::move(url), std::move(context));
}

}  // namespace acp::state
