#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <functional>
#include <string>
#include <thread>

#include "base/unique_fd.h"
#include "tls/peer.h"
#include "tls/server_contexts.h"
#include "unit/client/caller.h"
#include "unit/tls/authority.h"

using acp::test::Caller;
using acp::tls::test::Authority;
using acp::tls::test::Folder;
using acp::tls::test::Spec;

namespace {

const std::string kOk = "HTTP/1.1 200 OK\r\n";

/// Serves one connection: reads what starts it and runs a script.
class SecureServer {
public:
    using Script = std::function<void(SSL*, const std::string& request)>;
    SecureServer(const acp::tls::ServerOptions& options, Script script)
        : contexts_(acp::tls::ServerContexts::load(options, std::make_shared<acp::tls::TicketKeys>()).value()),
          listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        REQUIRE(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
        REQUIRE(::listen(listener_.get(), 1) == 0);
        REQUIRE(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this, script = std::move(script)] {
            acp::UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            auto ssl = contexts_->accept().value();
            SSL_set_fd(ssl.get(), fd.get());
            if (SSL_accept(ssl.get()) != 1) return;
            std::string request(65536, '\0');
            const int n = SSL_read(ssl.get(), request.data(), static_cast<int>(request.size()));
            request.resize(static_cast<std::size_t>(std::max(n, 0)));
            script(ssl.get(), request);
        });
    }
    ~SecureServer() {
        ::shutdown(listener_.get(), SHUT_RDWR);
        thread_.join();
    }
    std::string url(const std::string& host = "localhost") const {
        return "https://" + host + ":" + std::to_string(port_) + "/x";
    }

private:
    std::shared_ptr<const acp::tls::ServerContexts> contexts_;
    acp::UniqueFd listener_;
    std::uint16_t port_ = 0;
    std::thread thread_;
};

/// A write takes one record at a time.
void say(SSL* ssl, std::string_view bytes) {
    while (!bytes.empty()) {
        const int n = SSL_write(ssl, bytes.data(), static_cast<int>(bytes.size()));
        if (n <= 0) return;
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
}

struct World {
    Folder folder;
    Authority authority{"root"};
    std::string ca = folder.write("ca.pem", acp::tls::test::pem(authority.certificate()));
    acp::tls::ServerOptions options(const std::string& names = "DNS:localhost,IP:127.0.0.1") {
        Spec spec;
        spec.names = names;
        acp::tls::ServerOptions o;
        o.certificates = {folder.write("server", authority.issue(spec))};
        o.alpn = {"http/1.1"};
        return o;
    }
};

}  // namespace

TEST_CASE("https: an answer of a server that is trusted, by name and by address") {
    World world;
    for (const char* host : {"localhost", "127.0.0.1"}) {
        std::string seen;
        {
            SecureServer server(world.options(), [&](SSL* ssl, const std::string& request) {
                seen = request;
                say(ssl, kOk + "Content-Length: 200000\r\n\r\n" + std::string(200000, 'a'));
            });
            Caller caller;
            caller.url = server.url(host);
            caller.ca_file = world.ca;
            caller.method = "POST";
            caller.body = std::string(1000, 'b');
            CHECK(caller.run() == ACP_OK);
            CHECK(caller.reply == std::string(200000, 'a'));
        }
        CHECK(seen.starts_with("POST /x HTTP/1.1\r\nHost: "));
    }
}

TEST_CASE("https: who is not to be trusted gets nothing, and is named") {
    World world;
    Authority other("another root");
    std::string seen;
    const auto script = [&](SSL*, const std::string& request) { seen = request; };
    Caller caller;
    SECTION("an unknown authority") {
        SecureServer server(world.options(), script);
        caller.url = server.url();
        caller.ca_file = world.folder.write("other.pem", acp::tls::test::pem(other.certificate()));
        CHECK(caller.run() == ACP_E_UNAVAILABLE);
    }
    SECTION("the system's store does not know it either") {
        SecureServer server(world.options(), script);
        caller.url = server.url();
        CHECK(caller.run() == ACP_E_UNAVAILABLE);
    }
    SECTION("another name") {
        SecureServer server(world.options("DNS:example.com"), script);
        caller.url = server.url();
        caller.ca_file = world.ca;
        CHECK(caller.run() == ACP_E_UNAVAILABLE);
    }
    SECTION("another SPIFFE ID") {
        SecureServer server(world.options("DNS:localhost,URI:spiffe://a/b"), script);
        caller.url = server.url();
        caller.ca_file = world.ca;
        caller.spiffe_id = "spiffe://a/c";
        CHECK(caller.run() == ACP_E_UNAVAILABLE);
    }
    CHECK(caller.message.find("no TLS with localhost:") != std::string::npos);
    CHECK(seen.empty());
}

TEST_CASE("https: a workload is known by its SPIFFE ID, whatever its name") {
    World world;
    SecureServer server(world.options("URI:spiffe://a/b"),
                        [&](SSL* ssl, const std::string&) { say(ssl, kOk + "Content-Length: 2\r\n\r\nok"); });
    Caller caller;
    caller.url = server.url();
    caller.ca_file = world.ca;
    caller.spiffe_id = "spiffe://a/b";
    CHECK(caller.run() == ACP_OK);
    CHECK(caller.reply == "ok");
}

TEST_CASE("https: the client shows its certificate to a server that asks") {
    World world;
    auto options = world.options();
    options.client_auth = acp::tls::ClientAuth::required;
    options.client_ca_file = world.ca;
    Spec spec;
    spec.names = "URI:spiffe://a/me";
    const auto pair = world.folder.write("client", world.authority.issue(spec));
    const auto script = [](SSL* ssl, const std::string&) {
        const auto peer = acp::tls::peer_identity(ssl);
        const std::string id = peer ? peer->spiffe_id.value_or("none") : "nobody";
        say(ssl, kOk + "Content-Length: " + std::to_string(id.size()) + "\r\n\r\n" + id);
    };
    Caller caller;
    caller.ca_file = world.ca;
    SECTION("with one") {
        SecureServer server(options, script);
        caller.url = server.url();
        caller.certificate_file = pair.certificate_file;
        caller.key_file = pair.key_file;
        CHECK(caller.run() == ACP_OK);
        CHECK(caller.reply == "spiffe://a/me");
    }
    SECTION("without one") {
        SecureServer server(options, script);
        caller.url = server.url();
        CHECK(caller.run() == ACP_E_UNAVAILABLE);
    }
}

TEST_CASE("https: an end that the server did not announce is a truncated answer") {
    World world;
    const bool announced = GENERATE(true, false);
    SecureServer server(world.options(), [announced](SSL* ssl, const std::string&) {
        say(ssl, kOk + "\r\nall of it?");
        if (announced) SSL_shutdown(ssl);
    });
    Caller caller;
    caller.url = server.url();
    caller.ca_file = world.ca;
    CHECK(caller.run() == (announced ? ACP_OK : ACP_E_PROVIDER));
    CHECK((caller.message.find("without TLS's close") != std::string::npos) == !announced);
}

TEST_CASE("https: a pipe behind an upgrade moves bytes both ways") {
    World world;
    constexpr std::size_t kSize = 3'000'000;
    SecureServer server(world.options(), [](SSL* ssl, const std::string&) {
        say(ssl, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
        std::string buffer(16384, '\0');
        for (int n = 0; (n = SSL_read(ssl, buffer.data(), static_cast<int>(buffer.size()))) > 0;)
            say(ssl, std::string_view(buffer).substr(0, static_cast<std::size_t>(n)));
        SSL_shutdown(ssl);
    });
    Caller caller;
    caller.url = server.url();
    caller.ca_file = world.ca;
    caller.upgrade = true;
    caller.max_body_bytes = UINT64_MAX;
    caller.fields = {{"Upgrade", "tcp"}};
    const std::string all(kSize, 'x');
    std::size_t given = 0;
    caller.on_pull = [&](std::string_view& out) {
        if (given == kSize) return 1;
        out = std::string_view(all).substr(given, 50'000);
        given += out.size();
        return 0;
    };
    CHECK(caller.run() == ACP_OK);
    CHECK(caller.reply.size() == kSize);
}

TEST_CASE("https: files that are no good are named, and a replaced file counts at once") {
    World world;
    Caller caller;
    caller.url = "https://localhost:1/";
    caller.ca_file = world.folder.path("missing.pem");
    CHECK(caller.run() == ACP_E_INVALID);
    CHECK(caller.message.find("missing.pem") != std::string::npos);

    Authority other("another root");
    const auto ask = [&] {
        SecureServer server(world.options(),
                            [](SSL* ssl, const std::string&) { say(ssl, kOk + "Content-Length: 0\r\n\r\n"); });
        caller.url = server.url();
        return caller.run();
    };
    caller.ca_file = world.folder.write("changing.pem", acp::tls::test::pem(other.certificate()));
    CHECK(ask() == ACP_E_UNAVAILABLE);
    world.folder.write("changing.pem", acp::tls::test::pem(world.authority.certificate()));
    CHECK(ask() == ACP_OK);
}
