#include "identity/clients.h"

#include <catch2/catch.hpp>

using namespace acp::identity;

TEST_CASE("a client is found by its whole id, and may what it is registered for") {
    Client bot;
    bot.id = "bot";
    bot.methods = {ClientAuth::private_key_jwt};
    bot.grants = {"client_credentials"};
    const Clients clients({bot});
    CHECK(clients.find("bot") == &clients.all()[0]);
    for (const char* other : {"", "Bot", "bot ", "bo", "bott"}) CHECK(clients.find(other) == nullptr);
    CHECK(clients.find("bot")->uses(ClientAuth::private_key_jwt));
    CHECK_FALSE(clients.find("bot")->uses(ClientAuth::none));
    CHECK(clients.find("bot")->may_use("client_credentials"));
    CHECK_FALSE(clients.find("bot")->may_use("refresh_token"));
    CHECK(Clients().find("bot") == nullptr);
}
