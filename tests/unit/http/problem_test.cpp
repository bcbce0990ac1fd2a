#include "http/problem.h"

#include <catch2/catch.hpp>

#include "json/json.h"

using namespace acp::http;
using acp::Code;
using acp::Error;
namespace json = acp::json;

namespace {

Error error(Code code) {
    Error e;
    e.code = code;
    e.slug = "some_slug";
    e.message = "what went wrong";
    e.internal = "for the log only";
    return e;
}

std::string retry_after(const Response& response) {
    for (const auto& [name, value] : response.fields)
        if (name == "Retry-After") return value;
    return "";
}

}  // namespace

TEST_CASE("every code has its status") {
    const std::pair<Code, int> table[] = {{Code::invalid, 400},
                                          {Code::unauthenticated, 401},
                                          {Code::forbidden, 403},
                                          {Code::not_found, 404},
                                          {Code::method_not_allowed, 405},
                                          {Code::conflict, 409},
                                          {Code::precondition_failed, 412},
                                          {Code::too_large, 413},
                                          {Code::unsupported_media_type, 415},
                                          {Code::unprocessable, 422},
                                          {Code::exhausted, 429},
                                          {Code::internal, 500},
                                          {Code::unsupported, 501},
                                          {Code::provider_error, 502},
                                          {Code::unavailable, 503},
                                          {Code::deadline, 504},
                                          {Code::cancelled, 409}};
    for (const auto& [code, status] : table) {
        CHECK(status_of(code) == status);
        CHECK_FALSE(reason(status).empty());
    }
    CHECK(reason(299).empty());
}

TEST_CASE("a problem has the members of RFC 9457 and tells nothing internal") {
    auto e = error(Code::invalid);
    e.violations = {{"/env/A", "must be text"}, {"", "lacks image"}};
    const auto response = problem(e, "/manage/x", "req-1");
    CHECK(response.status == 400);
    CHECK(response.content_type == kProblem);
    CHECK(response.body.find("for the log") == std::string::npos);
    const auto body = json::parse_object(response.body).value();
    CHECK(json::text_or(body, "type") == "urn:alphaswarm-cp:problem:some_slug");
    CHECK(json::text_or(body, "title") == "Bad Request");
    CHECK(body->getValue<int>("status") == 400);
    CHECK(json::text_or(body, "detail") == "what went wrong");
    CHECK(json::text_or(body, "instance") == "/manage/x");
    CHECK(json::text_or(body, "code") == "some_slug");
    CHECK(json::text_or(body, "request_id") == "req-1");
    const auto errors = body->getArray("errors");
    REQUIRE(errors->size() == 2);
    CHECK(json::text_or(errors->getObject(0), "pointer") == "/env/A");
    CHECK(json::text_or(errors->getObject(1), "detail") == "lacks image");
}

TEST_CASE("details are added, but replace nothing and must parse") {
    auto e = error(Code::conflict);
    e.details_json = R"({"run_id":"r1","status":200,"detail":"forged"})";
    const auto body = json::parse_object(problem(e, "/", "id").body).value();
    CHECK(json::text_or(body, "run_id") == "r1");
    CHECK(body->getValue<int>("status") == 409);
    CHECK(json::text_or(body, "detail") == "what went wrong");
    e.details_json = R"({"broken)";
    CHECK(json::parse_object(problem(e, "/", "id").body));
}

TEST_CASE("a message with quotes and controls stays one JSON text") {
    auto e = error(Code::invalid);
    e.message = "a \"quoted\"\r\nline \x01";
    CHECK(json::text_or(json::parse_object(problem(e, "/", "id").body).value(), "detail") == e.message);
    CHECK(problem(e, "/", "id").body.find('\n') == std::string::npos);
}

TEST_CASE("503 and 429 tell when to come again, in whole seconds rounded up") {
    auto e = error(Code::unavailable);
    CHECK(retry_after(problem(e, "/", "id")) == "1");
    e.retry_after_ms = 1001;
    CHECK(retry_after(problem(e, "/", "id")) == "2");
    e.code = Code::exhausted;
    CHECK(retry_after(problem(e, "/", "id")) == "2");
    e.code = Code::conflict;
    CHECK(retry_after(problem(e, "/", "id")).empty());
}
