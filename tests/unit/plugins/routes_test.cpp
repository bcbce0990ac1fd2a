#include <catch2/catch.hpp>
#include <thread>

#include "json/json.h"
#include "unit/plugins/house.h"

using namespace acp::plugins;
using namespace acp::plugins::test;
namespace stream = acp::stream;
namespace json = acp::json;

namespace {

struct Greeter {
    Record record;
    acp::Fault fault;
    LibraryPtr library = Library::load(ACP_GREETER, host_api(), {}, record);
    std::unique_ptr<RouteInstance> instance =
        RouteInstance::create(library, host_api(), "hello", "{}", "/nowhere", fault);
};
Greeter& greeter() {
    static Greeter g;
    return g;
}

PluginRequest request(std::string operation) {
    PluginRequest r;
    r.operation_id = std::move(operation);
    r.method = "GET";
    r.path = "/greet/bob";
    r.query = "a=b";
    r.params = {{"name", "bob"}};
    r.fields = {{"content-type", "text/plain"}};
    r.body = "the body";
    return r;
}

stream::Ref response_stream() {
    return stream::Ref::make({64 * 1024, true});
}

std::string read_out(stream::Stream& s) {
    std::string out;
    for (stream::Chunk chunk;;) {
        const auto pulled = s.pull(chunk);
        if (pulled == stream::Stream::Pulled::ended) return out;
        if (pulled == stream::Stream::Pulled::chunk && chunk.channel == ACP_CHANNEL_STDOUT) out += chunk.bytes;
        if (pulled == stream::Stream::Pulled::empty) std::this_thread::yield();
    }
}

}  // namespace

TEST_CASE("an instance lists its routes as the plugin gave them") {
    REQUIRE(greeter().instance);
    const auto& routes = greeter().instance->routes();
    REQUIRE(routes.size() == 10);
    CHECK(routes[0].method == "GET");
    CHECK(routes[0].pattern == "/greet/{name}");
    CHECK(routes[0].scope == "read:greetings");
    CHECK(routes[1].operation_json == R"({"tags":["echo"]})");
}

TEST_CASE("a handled request answers by headers and body") {
    auto s = response_stream();
    REQUIRE(greeter().instance->handle(call(), request("greet"), s));
    CHECK(s->response_headers()->status == 200);
    const auto body = json::parse_object(read_out(*s)).value();
    CHECK(json::text_or(body, "greeting") == "hello bob");
    CHECK(json::text_or(body, "path") == "/greet/bob");
    CHECK(json::text_or(body, "query") == "a=b");
    CHECK(json::text_or(body, "principal") == "alice");
    auto echo = response_stream();
    REQUIRE(greeter().instance->handle(call(), request("echo"), echo));
    CHECK(echo->response_headers()->status == 201);
    CHECK(read_out(*echo) == "the body");
}

TEST_CASE("a handler that writes more than the window waits for the reader") {
    auto s = response_stream();
    bool handled = false;
    std::thread handling([&] { handled = greeter().instance->handle(call(), request("slow"), s).has_value(); });
    const std::string out = read_out(*s);
    handling.join();
    CHECK(handled);
    CHECK(out.size() == 5U * 1024 * 1024);
    bool right = true;
    for (std::size_t i = 0; i < out.size(); ++i) right = right && out[i] == static_cast<char>(i % 251);
    CHECK(right);
}

TEST_CASE("a reader that leaves frees the handler") {
    auto s = response_stream();
    std::thread handling([&] { (void)greeter().instance->handle(call(), request("slow"), s); });
    stream::Chunk chunk;
    while (s->pull(chunk) != stream::Stream::Pulled::chunk) std::this_thread::yield();
    s->close(ACP_CLOSE_LISTENER);
    handling.join();
    CHECK(s->closed());
}

TEST_CASE("failing before the first word is an error, after it the stream fails") {
    auto s = response_stream();
    const auto failed = greeter().instance->handle(call(), request("fail"), s);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == acp::Code::conflict);
    CHECK(failed.error().details_json == R"({"greetings":0})");
    auto late = response_stream();
    REQUIRE(greeter().instance->handle(call(), request("late"), late));
    CHECK(late->started());
    CHECK(read_out(*late) == "half of it");
    CHECK(late->failure()->message == "the other half is lost");
}

TEST_CASE("a plugin without routes, or with a config that does not fit, is no instance") {
    Record record;
    const auto provider = Library::load(ACP_SCRIPTED, host_api(), {}, record);
    acp::Fault fault;
    CHECK(RouteInstance::create(provider, host_api(), "x", "{}", "/nowhere", fault) == nullptr);
    CHECK(fault.expected == ACP_IID_HTTP_ROUTES);
    CHECK(RouteInstance::create(greeter().library, host_api(), "x", R"({"a":1})", "/nowhere", fault) == nullptr);
    CHECK(fault.stage == "config");
}
