#include "state/postgresql_connection.h"

#include <netinet/in.h>
#include <poll.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "state/backend.h"
#include "state/names.h"

namespace acp::state {

namespace {

// Types by their object ids, which are part of PostgreSQL's protocol (pg_type.dat).
constexpr Oid kText = 25, kBytea = 17, kBigint = 20;

using UrlOptions = std::unique_ptr<PQconninfoOption, FreeByLibpq<&Libpq::PQconninfoFree>>;

std::string option(const UrlOptions& options, std::string_view name) {
    for (const PQconninfoOption* one = options.get(); one && one->keyword; ++one)
        if (name == one->keyword) return one->val ? one->val : "";
    return {};
}

UrlOptions parsed(const std::string& url) {
    char* error = nullptr;
    UrlOptions options(pq().PQconninfoParse(url.c_str(), &error));
    pq().PQfreemem(error);
    return options;
}

/// Nobody is between here and there.
bool is_loopback(const sockaddr* address) {
    if (address->sa_family == AF_INET) return ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr) >> 24 == 127;
    return address->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr);
}

std::string one_line(const char* text) {
    std::string out = text ? text : "";
    for (char& c : out)
        if (c == '\n') c = ' ';
    while (out.ends_with(' ')) out.pop_back();
    return out;
}

}  // namespace

Parameter Parameter::number(std::int64_t value) {
    std::string bytes(8, '\0');
    for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(static_cast<std::uint64_t>(value) >> (56 - 8 * i));
    return {Type::number, std::move(bytes)};
}

std::string PostgresqlRows::bytes(int row, int column) const {
    return {pq().PQgetvalue(result_.get(), row, column), static_cast<std::size_t>(pq().PQgetlength(result_.get(), row, column))};
}

std::int64_t PostgresqlRows::number(int row, int column) const {
    if (pq().PQgetlength(result_.get(), row, column) != 8) return 0;
    std::uint64_t out = 0;
    for (int i = 0; i < 8; ++i) out = out << 8 | static_cast<unsigned char>(pq().PQgetvalue(result_.get(), row, column)[i]);
    return static_cast<std::int64_t>(out);
}

tl::unexpected<Error> PostgresqlConnection::broken(const std::string& cause) {
    usable_ = false;
    return unavailable("postgresql", cause);
}

tl::unexpected<Error> PostgresqlConnection::refused(const PGresult* result) {
    usable_ = usable_ && pq().PQstatus(connection_.get()) == CONNECTION_OK;
    const char* state = result ? pq().PQresultErrorField(result, PG_DIAG_SQLSTATE) : nullptr;
    const char* message = result ? pq().PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : nullptr;
    // A standby that takes no writes (25006): its name leads to the primary by now, perhaps.
    if (state && std::strcmp(state, "25006") == 0) usable_ = false;
    return unavailable("postgresql",
                       message ? one_line(message) + " (" + (state ? state : "") + ")" : one_line(pq().PQerrorMessage(connection_.get())));
}

Result<std::unique_ptr<PostgresqlConnection>> PostgresqlConnection::open(const std::string& url, std::int64_t deadline_ns) {
    std::unique_ptr<PostgresqlConnection> connection(new PostgresqlConnection);
    if (auto done = connection->connect(url, deadline_ns); !done) return fail(done.error());
    // Sessions need no sync of the disk; a statement ends on the server when its time
    // here is over. Not by the option `options`: poolers refuse it.
    if (auto done = connection->run("SET synchronous_commit = off; SET statement_timeout = 2000", deadline_ns); !done) return fail(done.error());
    return connection;
}

Result<void> PostgresqlConnection::connect(const std::string& url, std::int64_t deadline_ns) {
    const UrlOptions options = parsed(url);
    const std::string host = option(options, "host");
    bool is_local = host.empty() || host.front() == '/';
    std::string hosts, addresses;
    if (!is_local && host.find(',') == std::string::npos && option(options, "hostaddr").empty()) {
        // Resolved here: libpq would wait for a silent name server. It takes a list of
        // hosts and one of their addresses, and tries them in turn.
        auto found = addresses_of(host, 0, deadline_ns);
        if (!found) return broken(found.error().message);
        is_local = true;
        for (const addrinfo* one = found->get(); one; one = one->ai_next) {
            std::array<char, NI_MAXHOST> text{};
            if (::getnameinfo(one->ai_addr, one->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0) continue;
            hosts += (hosts.empty() ? "" : ",") + host;
            addresses += (addresses.empty() ? "" : ",") + std::string(text.data());
            is_local = is_local && is_loopback(one->ai_addr);
        }
    }
    std::vector<const char*> names{"application_name", "sslmode", "client_encoding", "dbname"};
    // What the URL says comes later and is stronger.
    std::vector<const char*> values{"alphaswarm-cp", is_local ? "prefer" : "verify-full", "UTF8", url.c_str()};
    if (!addresses.empty()) {
        names.insert(names.end(), {"host", "hostaddr"});
        values.insert(values.end(), {hosts.c_str(), addresses.c_str()});
    }
    names.push_back(nullptr);
    values.push_back(nullptr);
    connection_.reset(pq().PQconnectStartParams(names.data(), values.data(), 1));
    if (!connection_) return broken("out of memory");
    // Notices ("already exists, skipping") would go to standard error, past our log.
    pq().PQsetNoticeReceiver(
        connection_.get(), [](void*, const PGresult*) {}, nullptr);
    if (pq().PQstatus(connection_.get()) == CONNECTION_BAD) return broken(one_line(pq().PQerrorMessage(connection_.get())));
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    while (state != PGRES_POLLING_OK) {
        if (state == PGRES_POLLING_FAILED) return broken(one_line(pq().PQerrorMessage(connection_.get())));
        if (auto ready = wait(state == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline_ns); !ready) return ready;
        state = pq().PQconnectPoll(connection_.get());
    }
    if (pq().PQsetnonblocking(connection_.get(), 1) != 0) return broken("the connection cannot be made non-blocking");
    return {};
}

Result<void> PostgresqlConnection::wait(short events, std::int64_t deadline_ns) {
    for (;;) {
        const std::int64_t left_ms = (deadline_ns - monotonic_ns() + 999'999) / 1'000'000;
        pollfd one{pq().PQsocket(connection_.get()), events, 0};
        const int ready = left_ms <= 0 ? 0 : ::poll(&one, 1, static_cast<int>(left_ms));
        if (ready > 0) return {};
        if (ready < 0 && errno == EINTR) continue;
        return broken(ready == 0 ? "no answer in time" : std::generic_category().message(errno));
    }
}

Result<PostgresqlResult> PostgresqlConnection::answer(std::int64_t deadline_ns) {
    PGconn* const connection = connection_.get();
    for (int left = 1; left != 0;) {
        left = pq().PQflush(connection);
        if (left < 0) return broken(one_line(pq().PQerrorMessage(connection)));
        if (left == 0) break;
        // The server may have to get rid of something before it takes more.
        if (auto ready = wait(POLLIN | POLLOUT, deadline_ns); !ready) return fail(ready.error());
        if (pq().PQconsumeInput(connection) != 1) return broken(one_line(pq().PQerrorMessage(connection)));
    }
    PostgresqlResult last;
    for (;;) {
        while (pq().PQisBusy(connection) != 0) {
            if (auto ready = wait(POLLIN, deadline_ns); !ready) return fail(ready.error());
            if (pq().PQconsumeInput(connection) != 1) return broken(one_line(pq().PQerrorMessage(connection)));
        }
        PostgresqlResult next(pq().PQgetResult(connection));
        if (!next) return last;
        const auto failed = [](const PGresult* result) {
            return pq().PQresultStatus(result) != PGRES_TUPLES_OK && pq().PQresultStatus(result) != PGRES_COMMAND_OK;
        };
        // The first failure is the one that tells why.
        if (!last || !failed(last.get())) last = std::move(next);
    }
}

Result<PostgresqlRows> PostgresqlConnection::ask(const char* sql, const std::vector<Parameter>& parameters, std::int64_t deadline_ns) {
    std::vector<Oid> types;
    std::vector<const char*> values;
    std::vector<int> lengths, formats;
    for (const auto& one : parameters) {
        types.push_back(one.type == Parameter::Type::text ? kText : one.type == Parameter::Type::bytes ? kBytea : kBigint);
        values.push_back(one.value.data());
        lengths.push_back(static_cast<int>(one.value.size()));
        formats.push_back(1);
    }
    if (pq().PQsendQueryParams(connection_.get(), sql, static_cast<int>(parameters.size()), types.data(), values.data(), lengths.data(),
                               formats.data(), 1) != 1)
        return broken(one_line(pq().PQerrorMessage(connection_.get())));
    auto result = answer(deadline_ns);
    if (!result) return fail(result.error());
    const ExecStatusType status = pq().PQresultStatus(result->get());
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) return refused(result->get());
    return PostgresqlRows(std::move(*result));
}

Result<void> PostgresqlConnection::run(const char* sql, std::int64_t deadline_ns) {
    if (pq().PQsendQuery(connection_.get(), sql) != 1) return broken(one_line(pq().PQerrorMessage(connection_.get())));
    auto result = answer(deadline_ns);
    if (!result) return fail(result.error());
    if (pq().PQresultStatus(result->get()) != PGRES_COMMAND_OK && pq().PQresultStatus(result->get()) != PGRES_TUPLES_OK)
        return refused(result->get());
    return {};
}

bool PostgresqlConnection::quiet() const noexcept {
    pollfd one{pq().PQsocket(connection_.get()), POLLIN, 0};
    return ::poll(&one, 1, 0) == 0;
}

Result<void> check_postgresql_url(const std::string& url) {
    if (auto there = load_libpq(); !there) return there;
    if ((!url.starts_with("postgresql://") && !url.starts_with("postgres://")) || !parsed(url))
        return fail(Code::invalid, "state_url", "it must be postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with parameters that libpq knows");
    return {};
}

}  // namespace acp::state
