// Key sets over HTTP, from a server on loopback.
#include "identity/fetch.h"

#include <catch2/catch.hpp>

#include "identity/key_source.h"
#include "unit/client/tiny_server.h"
#include "unit/jose/forge.h"

using namespace acp;
using namespace acp::identity;
using acp::test::answering;
using acp::test::TinyServer;

namespace {

std::string ok(const std::string& body) {
    return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace

TEST_CASE("a document is fetched with a plain GET", "[fetch]") {
    TinyServer server(answering(ok("{}")));
    CHECK(fetch_document(server.base() + "/keys?x=1", "").value() == "{}");
    const std::string request = server.requests().at(0);
    CHECK(request.starts_with("GET /keys?x=1 HTTP/1.1\r\n"));
    CHECK(request.find("Accept: application/json\r\n") != std::string::npos);
}

TEST_CASE("answers that are no document", "[fetch]") {
    struct Row {
        std::string answer;
        Code code;
    };
    const std::vector<Row> rows = {
        {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", Code::not_found},
        {"HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\n{}", Code::provider_error},
        {"HTTP/1.1 204 No Content\r\n\r\n", Code::provider_error},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{}", Code::provider_error},
        {ok(std::string((256U << 10) + 1, ' ')), Code::exhausted},
    };
    for (const Row& row : rows) {
        CAPTURE(row.answer.substr(0, 40));
        TinyServer server(answering(row.answer));
        const auto fetched = fetch_document(server.base() + "/", "");
        REQUIRE_FALSE(fetched);
        CHECK(fetched.error().code == row.code);
    }
    CHECK_FALSE(fetch_document("nonsense", ""));
    CHECK_FALSE(fetch_document("https://127.0.0.1:1/", "/no/such/ca.pem"));
}

TEST_CASE("a redirect is not followed", "[fetch]") {
    TinyServer elsewhere(answering(ok("{}")));
    for (const char* status : {"301", "302", "303", "307", "308"}) {
        TinyServer server(answering(std::string("HTTP/1.1 ") + status + " Moved\r\nLocation: " + elsewhere.base() +
                                    "/\r\nContent-Length: 0\r\n\r\n"));
        const auto fetched = fetch_document(server.base() + "/", "");
        REQUIRE_FALSE(fetched);
        CHECK(fetched.error().code == Code::provider_error);
    }
    CHECK(elsewhere.requests().empty());
}

TEST_CASE("discovery and keys over the wire", "[fetch]") {
    const auto& key = jose::test::key_for(jose::Algorithm::ES256);
    std::string base;
    TinyServer server([&](int fd, const std::string& request) {
        std::string answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
        if (request.starts_with("GET /i/.well-known/openid-configuration "))
            answer = ok(R"({"issuer":")" + base + R"(/i","jwks_uri":")" + base + R"(/jwks"})");
        if (request.starts_with("GET /jwks ")) answer = ok(jose::KeySet({key.public_key()}).json());
        TinyServer::send(fd, answer);
    });
    base = server.base();
    KeySources sources;
    auto source = sources.at({base + "/i", "", ""}).value();
    const auto found = source->find(key.kid(), jose::Algorithm::ES256);
    REQUIRE(found);
    CHECK((*found)->thumbprint() == key.public_key().thumbprint());
    CHECK(server.requests().size() == 2);
}
