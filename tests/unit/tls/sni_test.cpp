// Which certificate a client sees.
#include <catch2/catch.hpp>

#include "tls/name_table.h"
#include "unit/tls/talk.h"

using namespace acp;
using namespace acp::tls;
using namespace acp::tls::test;

TEST_CASE("names and wildcards", "[tls]") {
    NameTable table;
    table.add("a.example", 1);
    table.add("*.example", 2);
    table.add("*.b.example", 3);
    table.add("a.example", 4);  // too late
    table.add("f*.x.test", 5);  // not a whole label
    table.add("*", 6);          // no name
    table.add("*.*.test", 7);   // two
    table.add("c.*.test", 8);   // not the first label
    auto owner = [&](std::string_view host) { return static_cast<int>(table.find(host).value_or(0)); };
    CHECK(owner("a.example") == 1);
    CHECK(owner("A.Example") == 1);
    CHECK(owner("a.example.") == 1);
    CHECK(owner("z.example") == 2);
    CHECK(owner("b.example") == 2);
    CHECK(owner("z.b.example") == 3);
    for (auto nobody : {"", ".", "example", ".example", "y.z.example", "y.z.b.example", "foo.x.test", "f*.x.test",
                        "*.example", "x.y.test", "c.d.test", "*", "a.example..", "localhost"}) {
        CAPTURE(nobody);
        CHECK(owner(nobody) == 0);
    }
}

namespace {

struct House {
    Authority authority{"root"};
    Folder folder;
    ServerOptions options;

    void add(const std::string& common_name, const std::string& names, const std::string& key = "P-256") {
        Spec spec;
        spec.common_name = common_name;
        spec.names = names;
        spec.key = key;
        options.certificates.push_back(folder.write(common_name, authority.issue(spec)));
    }
    std::string seen(const std::string& server_name, int version = 0, const std::string& signatures = "",
                     const std::string& groups = "") const {
        Visitor visitor;
        visitor.trusts = authority.certificate();
        visitor.server_name = server_name;
        visitor.version = version;
        visitor.signatures = signatures;
        visitor.groups = groups;
        visitor.alpn = {"h2"};
        Talk talk(visitor.ssl(), must_load(options)->accept().value());
        return talk.done() ? talk.seen() : talk.client_error() + talk.server_error();
    }
};

}  // namespace

TEST_CASE("the exact name, else the wildcard, else the first", "[tls]") {
    House house;
    house.add("first", "DNS:first.example");
    house.add("wild", "DNS:*.example");
    house.add("exact", "DNS:exact.example,DNS:also.test");
    int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
    CHECK(house.seen("first.example", version) == "CN=first");
    CHECK(house.seen("exact.example", version) == "CN=exact");
    CHECK(house.seen("EXACT.Example", version) == "CN=exact");
    CHECK(house.seen("also.test", version) == "CN=exact");
    CHECK(house.seen("any.example", version) == "CN=wild");
    CHECK(house.seen("two.labels.example", version) == "CN=first");
    CHECK(house.seen("elsewhere.test", version) == "CN=first");
    CHECK(house.seen("", version) == "CN=first");
}

TEST_CASE("the name survives a second hello", "[tls]") {
    House house;
    house.add("first", "DNS:first.example");
    house.add("second", "DNS:second.example");
    // The key share is for a group that the server lacks: HelloRetryRequest.
    CHECK(house.seen("second.example", TLS1_3_VERSION, "", "P-521:P-256") == "CN=second");
}

TEST_CASE("keys of two kinds serve one name", "[tls]") {
    constexpr const char* rsa_only = "RSA-PSS+SHA256:RSA+SHA256";
    constexpr const char* ecdsa_only = "ECDSA+SHA256";
    House house;
    house.add("other", "DNS:other.example");
    house.add("rsa", "DNS:a.example,DNS:rsa.example", "RSA2048");
    house.add("ecdsa", "DNS:a.example");
    // The test's authority signs with ECDSA, which a client without it cannot
    // verify, so the trust of these clients is left out.
    auto seen = [&](const std::string& name, const std::string& signatures, int version) {
        Visitor visitor;
        visitor.server_name = name;
        visitor.signatures = signatures;
        visitor.version = version;
        Talk talk(visitor.ssl(), must_load(house.options)->accept().value());
        return talk.done() ? talk.seen() : std::string("refused");
    };
    int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
    CHECK(seen("a.example", rsa_only, version) == "CN=rsa");
    CHECK(seen("a.example", ecdsa_only, version) == "CN=ecdsa");
    CHECK(seen("rsa.example", rsa_only, version) == "CN=rsa");
    CHECK(seen("rsa.example", ecdsa_only, version) == "refused");
    CHECK(seen("other.example", ecdsa_only, version) == "CN=other");
    CHECK(seen("nobody.example", rsa_only, version) == "refused");
}

TEST_CASE("the first certificate's companion serves unknown names, too", "[tls]") {
    House house;
    house.add("ecdsa", "DNS:a.example");
    house.add("rsa", "DNS:a.example", "RSA2048");
    Visitor visitor;
    visitor.server_name = "nobody.test";
    visitor.signatures = "RSA-PSS+SHA256";
    CHECK(Talk(visitor.ssl(), must_load(house.options)->accept().value()).seen() == "CN=rsa");
}
