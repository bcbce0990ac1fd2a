#include "client/attempt.h"

#include <Poco/Net/StreamSocketImpl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "client/http1.h"
#include "client/http2.h"
#include "client/pool.h"
#include "client/trust.h"
#include "client/tunnel.h"

namespace acp::client {

namespace {

std::string reason(int error) {
    return std::generic_category().message(error);
}

}  // namespace

Attempt::~Attempt() = default;

/// In a task of the loop: whoever asked is told nothing while it is still asking.
void Attempt::begin() {
    wire::Loop& loop = pool_.loop();
    until_ns_ = loop.now_ns() + timeout_ms_ * 1'000'000;
    timer_ = loop.after(timeout_ms_, [this] {
        timer_.reset();
        unreachable("no answer in " + std::to_string(timeout_ms_) + " ms");
    });
    const std::weak_ptr<bool> alive = alive_;
    const auto resolved = [this, alive](Result<Addresses> addresses) {
        if (!alive.expired() && !over_) this->resolved(std::move(addresses));
    };
    loop.post([this, alive, resolved] {
        if (alive.expired() || over_) return;
        const Origin& origin = pool_.origin();
        if (origin.scheme == Scheme::unix_socket) {
            addresses_.push_back(unix_address(origin.host));
            try_next();
        } else if (!origin.proxy.host.empty()) {
            pool_.resolver().resolve(origin.proxy.host, origin.proxy.port, pool_.loop(), resolved);
        } else {
            pool_.resolver().resolve(origin.host, origin.port, pool_.loop(), resolved);
        }
    });
}

void Attempt::resolved(Result<Addresses> addresses) {
    if (!addresses) return unreachable(addresses.error().message);
    addresses_ = std::move(*addresses);
    try_next();
}

void Attempt::try_next() {
    if (next_ == addresses_.size()) return unreachable(last_failure_);
    const Address& address = addresses_[next_++];
    fd_.reset(::socket(address.get()->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd_) return address_failed(reason(errno));
    if (::connect(fd_.get(), address.get(), address.size) == 0) return connected();
    // A Unix socket with a full backlog answers EAGAIN and cannot be waited for.
    if (errno != EINPROGRESS) return address_failed(reason(errno));
    if (!pool_.loop().watch(fd_.get(), EPOLLOUT, *this)) return address_failed(reason(errno));
    watch_share_of_time();
}

/// An address that is silent leaves time for the others.
void Attempt::watch_share_of_time() {
    const auto left = static_cast<std::int64_t>(addresses_.size() - next_);
    if (left == 0) return;
    const std::int64_t share_ns = (until_ns_ - pool_.loop().now_ns()) / (left + 1);
    address_timer_ = pool_.loop().after(share_ns / 1'000'000, [this] {
        address_timer_.reset();
        pool_.loop().unwatch(fd_.get());
        address_failed("no answer");
    });
}

void Attempt::on_events(std::uint32_t) {
    if (over_) return;
    pool_.loop().unwatch(fd_.get());
    if (address_timer_) pool_.loop().cancel(*std::exchange(address_timer_, std::nullopt));
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0)
        address_failed(reason(error));
    else
        connected();
}

void Attempt::address_failed(const std::string& why) {
    fd_.reset();
    last_failure_ = why;
    try_next();
}

void Attempt::connected() {
    const int on = 1;
    ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // refused by Unix sockets, which have no delay
    connection_ = new wire::Connection(
        pool_.loop(), pool_.connections(),
        Poco::Net::StreamSocket(new Poco::Net::StreamSocketImpl(fd_.release())), wire::Side::client);
    if (!pool_.origin().proxy.host.empty()) {
        open_tunnel();
    } else if (pool_.origin().scheme == Scheme::https) {
        open_tls(false);
    } else {
        auto protocol = make_protocol(*connection_, {});
        connection_->open(std::move(protocol));
    }
}

void Attempt::open_tunnel() {
    const std::weak_ptr<bool> alive = alive_;
    auto tunnel = std::make_unique<Tunnel>(*connection_, pool_.origin(), [this, alive](Result<void> done) {
        if (alive.expired() || over_) return;
        if (!done)
            fail_with(std::move(done.error()));
        else if (pool_.origin().scheme == Scheme::https)
            open_tls(true);
        else
            connection_->become(make_protocol(*connection_, {}));
    });
    Tunnel& opened = *tunnel;
    connection_->open(std::move(tunnel));
    opened.ask();
}

void Attempt::open_tls(bool through_tunnel) {
    const Tls& tls = pool_.origin().tls;
    auto context = tls.context;
    if (!context) {
        auto system = trust_of({});
        if (!system) return fail_with(system.error());
        context = *system;
    }
    auto ssl = tls.spiffe_id.empty() ? context->to_host(pool_.origin().host)
                                     : context->to_workload(tls.spiffe_id, pool_.origin().host);
    if (!ssl) return fail_with(ssl.error());
    constexpr std::string_view kBoth = "\x02h2\x08http/1.1", kHttp2 = "\x02h2";
    if (pool_.origin().versions != Versions::http1) {
        const std::string_view offer = pool_.origin().versions == Versions::http2 ? kHttp2 : kBoth;
        SSL_set_alpn_protos(ssl->get(), reinterpret_cast<const unsigned char*>(offer.data()),
                            static_cast<unsigned>(offer.size()));
    }
    const std::weak_ptr<bool> alive = alive_;
    const auto make = [this, alive](wire::Connection& connection, std::string_view alpn) {
        return alive.expired() || over_ ? std::make_unique<Ended>(connection) : make_protocol(connection, alpn);
    };
    const auto failed = [this, alive](const std::string& why) {
        if (alive.expired() || over_) return;
        if (connection_->channel()->alert() == SSL_AD_NO_APPLICATION_PROTOCOL) return speaks_nothing_wanted();
        fail_with(fail(Code::unavailable, "upstream_untrusted",
                       "no TLS with " + pool_.place() + ": " + (why.empty() ? "it closed the connection" : why))
                      .value());
    };
    if (through_tunnel)
        connection_->secure(std::move(*ssl), make, failed);
    else
        connection_->open_secure(std::move(*ssl), make, failed);
}

bool Attempt::speaks_http2(std::string_view alpn) const noexcept {
    if (pool_.origin().scheme == Scheme::https) return alpn == "h2";
    return pool_.origin().versions == Versions::http2;
}

std::unique_ptr<wire::Protocol> Attempt::make_protocol(wire::Connection& connection, std::string_view alpn) {
    if (speaks_http2(alpn)) {
        auto protocol = std::make_unique<Http2>(connection, pool_);
        Http2& made = *protocol;
        end();
        pool_.established(*this, made);
        return protocol;
    }
    if (pool_.origin().versions == Versions::http2) {
        speaks_nothing_wanted();
        return std::make_unique<Ended>(connection);
    }
    auto protocol = std::make_unique<Http1>(connection, pool_);
    Http1& made = *protocol;
    end();
    pool_.established(*this, made);
    return protocol;
}

void Attempt::speaks_nothing_wanted() {
    const bool http2 = pool_.origin().versions == Versions::http2;
    fail_with(fail(Code::unavailable, "upstream_protocol",
                   pool_.place() + (http2 ? " does not speak HTTP/2" : " speaks neither HTTP/2 nor HTTP/1.1"))
                  .value());
}

void Attempt::unreachable(const std::string& why) {
    Error error;
    error.code = Code::unavailable;
    error.slug = "upstream_unreachable";
    error.message = "cannot connect to " + pool_.place() + ": " + why;
    error.retryable = true;
    fail_with(std::move(error));
}

void Attempt::fail_with(Error error) {
    if (over_) return;
    wire::Connection* const connection = std::exchange(connection_, nullptr);
    end();
    if (connection) connection->abort();
    pool_.failed(*this, error);
}

void Attempt::stop() noexcept {
    if (over_) return;
    wire::Connection* const connection = std::exchange(connection_, nullptr);
    end();
    if (connection) connection->abort();
}

void Attempt::end() noexcept {
    over_ = true;
    wire::Loop& loop = pool_.loop();
    if (timer_) loop.cancel(*timer_);
    if (address_timer_) loop.cancel(*address_timer_);
    if (fd_) loop.unwatch(fd_.get());
    loop.retire(std::unique_ptr<wire::Retired>(this));
}

}  // namespace acp::client
