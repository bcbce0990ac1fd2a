#include "client/egress.h"

#include <catch2/catch.hpp>

using namespace acp::client;

TEST_CASE("which hosts are reached through the proxy") {
    Egress egress;
    egress.proxy = {"proxy", 3128, {}};
    egress.direct = {"Exact.example", ".inner.example", "10.1.2.3"};
    struct Row {
        const char* host;
        bool through;
    };
    for (const Row& row : {Row{"example.org", true}, Row{"exact.example", false}, Row{"EXACT.EXAMPLE", false},
                           Row{"notexact.example", true}, Row{"a.exact.example", true}, Row{"inner.example", true},
                           Row{"a.inner.example", false}, Row{"a.b.Inner.example", false},
                           Row{"ainner.example", true}, Row{"10.1.2.3", false}, Row{"10.1.2.30", true},
                           Row{"127.0.0.1", false}, Row{"127.9.9.9", false}, Row{"::1", false},
                           Row{"localhost", false}, Row{"128.0.0.1", true}, Row{"localhost.example", true}}) {
        INFO(row.host);
        Origin origin;
        origin.host = row.host;
        origin.port = 80;
        CHECK((egress.to(origin) == egress.proxy) == row.through);
        if (!row.through) CHECK(egress.to(origin) == Proxy{});
        origin.scheme = Scheme::unix_socket;
        CHECK(egress.to(origin) == Proxy{});
    }
    egress.proxy = {};
    Origin origin;
    origin.host = "example.org";
    CHECK(egress.to(origin) == Proxy{});
}

TEST_CASE("credentials as Basic has them") {
    CHECK(basic_authorization("Aladdin:open sesame") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");  // RFC 7617 section 2
    CHECK(basic_authorization(std::string(90, 'x') + ":").find_first_of("\r\n") == std::string::npos);
}
