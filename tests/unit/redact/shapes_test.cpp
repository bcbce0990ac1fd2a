#include "redact/shapes.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <string>

#include "redact/redactor.h"

using namespace acp::redact;

namespace {

std::string hide(std::string_view text) {
    return Redactor().redact_text(text);
}

const std::string kJwt = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl";
const std::string kPem = "-----BEGIN RSA PRIVATE KEY-----\nMIIBOgIBAAJBAK\n-----END RSA PRIVATE KEY-----";

}  // namespace

TEST_CASE("texts with a secret in them") {
    struct Row {
        std::string text;
        std::string shown;
    };
    const Row rows[] = {
        {"got " + kJwt + " from client", "got [redacted] from client"},
        {"a\n" + kPem + "\nb", "a\n[redacted]\nb"},
        {"cut -----BEGIN PRIVATE KEY-----\nMIIB", "cut [redacted]"},
        {"key LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQpNSUlC end", "key [redacted] end"},
        {"id AKIAIOSFODNN7EXAMPLE used", "id [redacted] used"},
        {"ASIAIOSFODNN7EXAMPLE/wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
         "[redacted]/wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"},
        {"AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "[redacted] [redacted]"},
        {"Bearer x", "Bearer [redacted]"},
        {"sent Bearer abc123DEF456 to it", "sent Bearer [redacted] to it"},
        {"Authorization: Bearer x", "Authorization: [redacted]"},
        {"authorization: Basic Zm9v\r\nHost: a", "authorization: [redacted]\r\nHost: a"},
        {"curl -H 'Authorization: Bearer abc' http://h/", "curl -H 'Authorization: [redacted]' http://h/"},
        {"used Basic dXNlcjpodW50ZXIy here", "used Basic [redacted] here"},
        {"postgres://app:hunter2@db:5432/x", "postgres://app:[redacted]@db:5432/x"},
        {"postgres://app:p/a#s?s@db/x", "postgres://app:[redacted]@db/x"},
        {"redis://:hunter2@cache", "redis://:[redacted]@cache"},
        {"amqp://u:a@b@c/", "amqp://u:[redacted]@c/"},
        {"https://0123456789abcdef0123@git.example.com/x", "https://[redacted]@git.example.com/x"},
        {"push with ghp_0123456789abcdefghijABCDEFGHIJ012345.", "push with [redacted]"},
        {"slack xoxb-1234567890-abcdef", "slack [redacted]"},
        {"github_pat_0123456789abcdefghij_K", "[redacted]"},
        {"password=hunter2 host=db", "password=[redacted] host=db"},
        {"password = 'hunter 2' host=db", "password = '[redacted]' host=db"},
        {R"({"token":"abc","n":1})", R"({"token":"[redacted]","n":1})"},
        {R"("{\"api_key\": \"abc\"}")", R"("{\"api_key\": \"[redacted]\"}")"},
        {"mysql --password=hunter2 -h db", "mysql --password=[redacted] -h db"},
        {"mysql --password hunter2 -h db", "mysql --password [redacted] -h db"},
        {"GET /x?access_token=abc&b=c", "GET /x?access_token=[redacted]&b=c"},
        {"password: hunter2", "password: [redacted]"},
        {"client-key-data: QUJD\nuser: a", "client-key-data: [redacted]\nuser: a"},
        {"X-Api-Key: abcdef", "X-Api-Key: [redacted]"},
        {"Cookie: a=b; c=d", "Cookie: [redacted]"},
        {"Server=db;Pwd=hunter2", "Server=db;Pwd=[redacted]"},
        {"DefaultEndpointsProtocol=https;AccountName=a;AccountKey=Zm9vYmFy==",
         "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=[redacted]"},
    };
    for (const Row& row : rows) CHECK(hide(row.text) == row.shown);
}

TEST_CASE("texts that only resemble one stay as they are") {
    for (const std::string text : {"",
                                   "plain",
                                   "the bearer token is invalid",
                                   "Basic authentication is off",
                                   "Basic plan",
                                   "invalid token: expired",
                                   "password: must be longer",
                                   "http://host:8080/a@b",
                                   "https://host/path?q=1",
                                   "ssh://git@github.com/x",
                                   "[::1]:9000",
                                   "http://[::1]:8080/a@b",
                                   "AKIA",
                                   "AKIAIOSFODNN7EXAMPL",
                                   "AKIAIOSFODNN7EXAMPLEE",
                                   "eyJub3RhdG9rZW4",
                                   "eyJ.a.b",
                                   "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
                                   "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t",
                                   "ghp_short",
                                   "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                                   "da39a3ee5e6b4b0d3255bfef95601890afd80709",
                                   "018f2f6e-9c1a-7b3c-8d4e-5f6a7b8c9d0e",
                                   "key=app",
                                   "--replicas 3",
                                   "a=b",
                                   "image: registry.example.com/app:1.2",
                                   "token_type=Bearer",
                                   "secret_name=db",
                                   "{\"max_tokens\": 512}",
                                   "---- x ----"}) {
        CHECK(hide(text) == text);
    }
}

TEST_CASE("hostile texts take time in proportion to their length") {
    // A quadratic scan of 4 MiB would take minutes; the bound is generous so
    // that a slow machine passes.
    for (std::string_view piece : {"eyJ",
                                   "eyJ.",
                                   "://",
                                   "a://b:c",
                                   "-----BEGIN PRIVATE KEY",
                                   "-----BEGIN ",
                                   "-----",
                                   "Bearer ",
                                   "Basic a",
                                   "password=",
                                   "--password ",
                                   "token:",
                                   "token={",
                                   "token:[",
                                   "tokens=1",
                                   "token: a",
                                   "--token-",
                                   "cookie:",
                                   "token:'",
                                   "AKIA",
                                   "ghp_",
                                   "LS0tLS1CRUdJTi",
                                   "\\\"",
                                   "key",
                                   "_",
                                   "\"",
                                   "a.",
                                   "@",
                                   "\xff\x00"}) {
        std::string text;
        while (text.size() < (4U << 20)) text += piece;
        auto start = std::chrono::steady_clock::now();
        (void)hide(text);
        INFO(piece);
        CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
    }
}
