// Tickets: what resumes, and what leads to a full handshake.
#include <atomic>
#include <catch2/catch.hpp>
#include <ctime>
#include <thread>

#include "tls/peer.h"
#include "unit/tls/talk.h"

using namespace acp;
using namespace acp::tls;
using namespace acp::tls::test;

namespace {

std::atomic<std::int64_t> skipped_s{0};

/// The real time, moved on by what a test skipped: OpenSSL looks at the real one.
std::int64_t clock_of_test() {
    return std::time(nullptr) + skipped_s;
}

struct House {
    Authority authority{"root"};
    Authority clients{"clients"};
    Folder folder;
    ServerOptions options;
    std::shared_ptr<TicketKeys> tickets = std::make_shared<TicketKeys>(3600, clock_of_test);
    int version = 0;

    House() {
        skipped_s = 0;
        for (const char* name : {"a", "b"}) {
            Spec spec;
            spec.common_name = name;
            spec.names = std::string("DNS:") + name + ".example";
            options.certificates.push_back(folder.write(name, authority.issue(spec)));
        }
        options.client_ca_file = folder.write("clients.pem", pem(clients.certificate()));
    }
    Talk talk(SSL_SESSION* session, const Issued* certificate = nullptr, const std::string& name = "a.example") const {
        Visitor visitor;
        visitor.trusts = authority.certificate();
        visitor.server_name = name;
        visitor.version = version;
        visitor.session = session;
        visitor.certificate = certificate;
        Talk out(visitor.ssl(), must_load(options, tickets)->accept().value());
        INFO(out.client_error() << out.server_error());
        REQUIRE(out.done());
        return out;
    }
    Issued client(std::int64_t ends_s = 86400) const {
        Spec spec;
        spec.common_name = "visitor";
        spec.ends_s = ends_s;
        return clients.issue(spec);
    }
};

}  // namespace

TEST_CASE("a session resumes across reloads and one rotation", "[tls]") {
    House house;
    house.version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
    std::string name = GENERATE("a.example", "b.example", "nobody.example");
    auto session = [&](const Talk& talk) { return talk.session(); };
    Talk first = house.talk(nullptr, nullptr, name);
    CHECK_FALSE(first.resumed());
    auto ticket = session(first);
    // Each talk loads the files anew.
    Talk second = house.talk(ticket.get(), nullptr, name);
    CHECK(second.resumed());
    house.tickets->rotate();
    Talk third = house.talk(ticket.get(), nullptr, name);
    CHECK(third.resumed());
    auto renewed = session(third);
    house.tickets->rotate();
    CHECK_FALSE(house.talk(ticket.get(), nullptr, name).resumed());
    // The one that came with the resumption is sealed with the newer key.
    CHECK(house.talk(renewed.get(), nullptr, name).resumed());
}

TEST_CASE("other keys open nothing", "[tls]") {
    House house;
    house.version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
    auto ticket = house.talk(nullptr).session();
    house.tickets = std::make_shared<TicketKeys>();
    CHECK_FALSE(house.talk(ticket.get()).resumed());
}

TEST_CASE("keys are rotated by the clock", "[tls]") {
    House house;
    house.version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
    auto ticket = house.talk(nullptr).session();
    CHECK(SSL_SESSION_get_ticket_lifetime_hint(ticket.get()) == 3600);
    skipped_s = 3599;
    CHECK(house.talk(ticket.get()).resumed());
    skipped_s = 3601;
    CHECK(house.talk(ticket.get()).resumed());
    skipped_s = 2 * 3601;
    CHECK_FALSE(house.talk(ticket.get()).resumed());

    ticket = house.talk(nullptr).session();
    skipped_s += 2 * 3601;  // nobody came for two periods
    CHECK_FALSE(house.talk(ticket.get()).resumed());

    ticket = house.talk(nullptr).session();
    skipped_s -= 10;
    CHECK(house.talk(ticket.get()).resumed());
    skipped_s -= 4000;
    CHECK_FALSE(house.talk(ticket.get()).resumed());
}

TEST_CASE("a session ends a day after its full handshake, however often it was resumed", "[tls]") {
    House house;
    house.version = TLS1_3_VERSION;
    auto ticket = house.talk(nullptr).session();
    for (int hour = 1; hour < 24; ++hour) {
        skipped_s = hour * 3600;
        Talk talk = house.talk(ticket.get());
        CAPTURE(hour);
        CHECK(talk.resumed());
        ticket = talk.session();
    }
    skipped_s = 24 * 3600 + 2;
    CHECK_FALSE(house.talk(ticket.get()).resumed());
}

TEST_CASE("a resumed client is the one that showed its certificate", "[tls]") {
    House house;
    house.version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
    house.options.client_auth = ClientAuth::required;
    Issued client = house.client();
    auto ticket = house.talk(nullptr, &client).session();
    Talk again = house.talk(ticket.get(), nullptr);
    CHECK(again.resumed());
    auto who = peer_identity(again.server());
    REQUIRE(who);
    CHECK(who->certificate.subject == "CN=visitor");
}

TEST_CASE("a ticket holds under the rules that it was issued under", "[tls]") {
    House house;
    house.version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
    Issued client = house.client();
    auto open = house.talk(nullptr).session();
    house.options.client_auth = ClientAuth::optional;
    CHECK_FALSE(house.talk(open.get()).resumed());
    auto known = house.talk(nullptr, &client).session();
    CHECK(house.talk(known.get(), &client).resumed());
    SECTION("stricter") {
        house.options.client_auth = ClientAuth::required;
        CHECK_FALSE(house.talk(known.get(), &client).resumed());
    }
    SECTION("laxer") {
        house.options.client_auth = ClientAuth::none;
        CHECK_FALSE(house.talk(known.get(), &client).resumed());
    }
    SECTION("other authorities") {
        Authority more("more");
        house.options.client_ca_file =
            house.folder.write("more.pem", pem(house.clients.certificate()) + pem(more.certificate()));
        CHECK_FALSE(house.talk(known.get(), &client).resumed());
    }
}

TEST_CASE("a client's certificate that expired meanwhile does not resume", "[tls]") {
    House house;
    house.version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
    house.options.client_auth = ClientAuth::optional;
    Issued client = house.client(600);
    auto ticket = house.talk(nullptr, &client).session();
    skipped_s = 590;
    CHECK(house.talk(ticket.get(), &client).resumed());
    skipped_s = 610;
    CHECK_FALSE(house.talk(ticket.get(), &client).resumed());
}

TEST_CASE("a bent ticket is no ticket", "[tls]") {
    House house;
    house.version = TLS1_2_VERSION;
    auto ticket = house.talk(nullptr).session();
    unsigned char* der = nullptr;
    int size = i2d_SSL_SESSION(ticket.get(), &der);
    REQUIRE(size > 0);
    const unsigned char* sealed = nullptr;
    std::size_t length = 0;
    SSL_SESSION_get0_ticket(ticket.get(), &sealed, &length);
    std::string bytes(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    auto at = bytes.find(std::string(reinterpret_cast<const char*>(sealed), length));
    REQUIRE(at != std::string::npos);
    for (std::size_t offset : {std::size_t{0}, std::size_t{20}, length / 2, length - 1}) {
        std::string bent = bytes;
        bent[at + offset] = static_cast<char>(bent[at + offset] ^ 1);
        const auto* from = reinterpret_cast<const unsigned char*>(bent.data());
        SessionPtr session(d2i_SSL_SESSION(nullptr, &from, size));
        REQUIRE(session);
        CHECK_FALSE(house.talk(session.get()).resumed());
    }
}

TEST_CASE("threads share the keys while they are rotated", "[tls]") {
    House house;
    auto contexts = must_load(house.options, house.tickets);
    std::atomic<int> done{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 10; ++i) {
                SslPtr server = contexts->accept().value();
                Visitor visitor;
                Talk talk(visitor.ssl(), std::move(server));
                house.tickets->rotate_if_due();
                house.tickets->rotate();
                if (talk.done()) ++done;
            }
        });
    for (auto& thread : threads) thread.join();
    CHECK(done == 40);
}
