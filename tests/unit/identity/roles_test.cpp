// Who gets which scopes: nothing unless a rule says so.
#include "identity/roles.h"

#include <catch2/catch.hpp>

#include "identity/claim_values.h"

using namespace acp;
using namespace acp::identity;
using Test = RoleRule::Test;

namespace {

json::Object::Ptr claims(const std::string& text) {
    return json::parse_object(text).value();
}
using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("each built-in role may what the one before it may", "[roles]") {
    const RoleTable& table = default_roles();
    const Names order = {"viewer", "operator", "editor", "admin", "superadmin"};
    REQUIRE(table.size() == order.size());
    for (std::size_t i = 1; i < order.size(); ++i) {
        const Names &less = table.at(order[i - 1]), &more = table.at(order[i]);
        CHECK(more.size() > less.size());
        CHECK(std::equal(less.begin(), less.end(), more.begin()));
    }
    CHECK(table.at("viewer") == Names{"read:infrastructure", "read:topology"});
    for (const char* role : {"viewer", "operator", "editor", "admin"})
        for (const auto& scope : table.at(role)) CHECK((scope != "admin:cluster" && scope != "platform:admin"));
}

TEST_CASE("rules look at one claim of one issuer", "[roles]") {
    struct Row {
        const char* why;
        RoleRule rule;
        const char* claims;
        bool holds;
    };
    const std::vector<Row> rows = {
        {"equal text", {"i", "role", Test::equals, "a", "viewer", {}}, R"({"role":"a"})", true},
        {"another text", {"i", "role", Test::equals, "a", "viewer", {}}, R"({"role":"A"})", false},
        {"a longer text", {"i", "role", Test::equals, "a", "viewer", {}}, R"({"role":"a b"})", false},
        {"missing", {"i", "role", Test::equals, "a", "viewer", {}}, R"({})", false},
        {"null", {"i", "role", Test::equals, "a", "viewer", {}}, R"({"role":null})", false},
        {"a list is no text", {"i", "role", Test::equals, "a", "viewer", {}}, R"({"role":["a"]})", false},
        {"a number is no text", {"i", "role", Test::equals, "1", "viewer", {}}, R"({"role":1})", false},
        {"a boolean is no text", {"i", "role", Test::equals, "true", "viewer", {}}, R"({"role":true})", false},
        {"in a list", {"i", "groups", Test::contains, "a", "viewer", {}}, R"({"groups":["b","a"]})", true},
        {"not in a list", {"i", "groups", Test::contains, "a", "viewer", {}}, R"({"groups":["b","ab"]})", false},
        {"a list with other things",
         {"i", "groups", Test::contains, "a", "viewer", {}},
         R"({"groups":["a",5]})",
         false},
        {"a list in a list", {"i", "groups", Test::contains, "a", "viewer", {}}, R"({"groups":[["a"]]})", false},
        {"among words", {"i", "scp", Test::contains, "a", "viewer", {}}, R"({"scp":"b a"})", true},
        {"part of a word", {"i", "scp", Test::contains, "a", "viewer", {}}, R"({"scp":"ab ba"})", false},
        {"an object", {"i", "groups", Test::contains, "a", "viewer", {}}, R"({"groups":{"a":true}})", false},
        {"another issuer", {"j", "role", Test::equals, "a", "viewer", {}}, R"({"role":"a"})", false},
        {"a pointer",
         {"i", "/realm_access/roles", Test::contains, "a", "viewer", {}},
         R"({"realm_access":{"roles":["a"]}})",
         true},
        {"a pointer to nothing",
         {"i", "/realm_access/x", Test::contains, "a", "viewer", {}},
         R"({"realm_access":{"roles":["a"]}})",
         false},
        {"an address as name",
         {"i", "https://x.example/roles", Test::contains, "a", "viewer", {}},
         R"({"https://x.example/roles":["a"]})",
         true},
        {"a role nobody knows", {"i", "role", Test::equals, "a", "wizard", {}}, R"({"role":"a"})", false},
    };
    for (const Row& row : rows) {
        CAPTURE(row.why);
        const Roles roles(default_roles(), {row.rule});
        const Granted granted = roles.granted("i", claims(row.claims));
        CHECK(granted.roles == (row.holds ? Names{"viewer"} : Names{}));
        CHECK(granted.scopes == (row.holds ? Names{"read:infrastructure", "read:topology"} : Names{}));
    }
}

TEST_CASE("what several rules give is put together", "[roles]") {
    const Roles roles({{"one", {"b", "a"}}, {"two", {"c", "b"}}}, {{"i", "g", Test::contains, "x", "two", {}},
                                                                   {"i", "g", Test::contains, "y", "one", {}},
                                                                   {"i", "g", Test::contains, "y", "", {"z", "a"}}});
    const Granted granted = roles.granted("i", claims(R"({"g":["x","y"]})"));
    CHECK(granted.roles == Names{"one", "two"});
    CHECK(granted.scopes == Names{"a", "b", "c", "z"});
    CHECK(roles.scopes_of("one") != nullptr);
    CHECK(roles.scopes_of("viewer") == nullptr);
}

TEST_CASE("words of a claim", "[roles]") {
    const auto words = [](const std::string& value) { return words_of(*json::parse(value)); };
    CHECK(words(R"("")") == Names{});
    CHECK(words(R"("a")") == Names{"a"});
    CHECK(words(R"("  a  b ")") == Names{"a", "b"});
    CHECK(words(R"(["a b","c"])") == Names{"a b", "c"});
    CHECK(words(R"([])") == Names{});
    CHECK_FALSE(words("5"));
    CHECK_FALSE(words("{}"));
    CHECK_FALSE(words(R"(["a",null])"));
}
