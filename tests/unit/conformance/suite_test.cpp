#include "alphaswarm-cp/conformance/suite.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <regex>

using namespace acp::conformance;

namespace {

Options memory() {
    Options options;
    options.plugin_path = ACP_MEMORY;
    return options;
}

const Result& find(const Report& report, const std::string& id) {
    const auto at = std::find_if(report.results.begin(), report.results.end(), [&](const Result& r) { return r.id == id; });
    REQUIRE(at != report.results.end());
    return *at;
}

}  // namespace

TEST_CASE("each check has an id of its own and needs an earlier one") {
    std::set<std::string> ids;
    const std::regex form("[a-z]+(\\.[a-z0-9_]+)+");
    for (const auto& check : checks()) {
        CAPTURE(check.id);
        CHECK(std::regex_match(check.id, form));
        CHECK((check.needs.empty() || ids.contains(check.needs)));
        CHECK(ids.insert(check.id).second);
        CHECK_FALSE(check.title.empty());
    }
    CHECK(checks().size() > 100);
}

TEST_CASE("the template passes in this process") {
    std::vector<std::string> started;
    Observer observer;
    observer.on_start = [&](const CheckInfo& check) { started.push_back(check.id); };
    const Report report = run(memory(), observer);
    INFO(report.text());
    CHECK(report.conformant());
    CHECK(started.size() == report.results.size());
    CHECK(find(report, "provider.list.consistent").outcome == Outcome::passed);
    CHECK(find(report, "routes.table").outcome == Outcome::not_applicable);
}

TEST_CASE("a minor version that the host does not have is a failure of its own") {
    Options options = memory();
    options.interfaces = {"entry"};
    options.host_abi_minor = 0;
    CHECK(find(run(options), "entry.abi_minor").outcome == Outcome::passed);
}

TEST_CASE("quirks: declared, stale, and wrong ones") {
    Options options = memory();
    options.interfaces = {"entry"};
    options.quirks = {{"entry.id", "it was malformed once"}};
    const Report report = run(options);
    CHECK(report.conformant());
    CHECK(report.stale_quirks() == 1);
    CHECK(line_of(find(report, "entry.id")).find("STALE") != std::string::npos);

    Result failed;
    failed.id = "entry.id";
    failed.outcome = Outcome::failed;
    apply_quirk(failed, options.quirks);
    CHECK(failed.outcome == Outcome::quirk);
    CHECK_FALSE(failed.stale_quirk);

    options.quirks = {{"no.such.check", "why"}};
    CHECK_THROWS_WITH(run(options), Catch::Contains("no.such.check"));
    options.quirks = {{"entry.id", ""}};
    CHECK_THROWS_WITH(run(options), Catch::Contains("reason"));
}

TEST_CASE("what stands on a failed check is not tried") {
    Options options = memory();
    options.done = {"entry.load", "entry.init"};
    options.failed = {"entry.init"};
    options.interfaces = {"acp.provider/1"};
    const Report report = run(options);
    CHECK(find(report, "provider.create").outcome == Outcome::not_applicable);
    CHECK(find(report, "provider.create").message == "entry.init failed");
}

TEST_CASE("a file that is no plugin fails, and the rest is not tried") {
    Options options;
    options.plugin_path = "/no/such/file.so";
    const Report report = run(options);
    CHECK_FALSE(report.conformant());
    CHECK(report.count(Outcome::failed) == 1);
    CHECK(find(report, "entry.load").outcome == Outcome::failed);
}
