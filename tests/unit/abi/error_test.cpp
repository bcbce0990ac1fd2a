#include "abi/error.h"

#include <catch2/catch.hpp>

using namespace acp;

namespace {

int released = 0;

acp_error raw_error(std::string_view message, std::string_view details) {
    acp_error e{};
    e.struct_size = sizeof e;
    e.message = abi::str(message);
    e.details_json = abi::str(details);
    e.release = [](acp_error*) { ++released; };
    return e;
}

}  // namespace

TEST_CASE("every status of the boundary has its code, an unknown one is the provider's") {
    const std::pair<acp_status, Code> table[] = {{ACP_E_INVALID, Code::invalid},
                                                 {ACP_E_NOT_FOUND, Code::not_found},
                                                 {ACP_E_CONFLICT, Code::conflict},
                                                 {ACP_E_UNSUPPORTED, Code::unsupported},
                                                 {ACP_E_DENIED, Code::provider_error},
                                                 {ACP_E_UNAVAILABLE, Code::unavailable},
                                                 {ACP_E_PROVIDER, Code::provider_error},
                                                 {ACP_E_DEADLINE, Code::deadline},
                                                 {ACP_E_CANCELLED, Code::cancelled},
                                                 {ACP_E_EXHAUSTED, Code::exhausted},
                                                 {ACP_E_INTERNAL, Code::internal},
                                                 {12345, Code::provider_error},
                                                 {-1, Code::provider_error}};
    for (const auto& [status, code] : table) CHECK(abi::code_of(status) == code);
}

TEST_CASE("an error is copied whole and released once") {
    released = 0;
    auto raw = raw_error("cannot reach the engine", R"({"socket":"/run/x"})");
    raw.retryable = 1;
    raw.retry_after_ms = 2500;
    const Error e = abi::take_error(ACP_E_UNAVAILABLE, raw, "x");
    CHECK(released == 1);
    CHECK(raw.release == nullptr);
    CHECK(e.code == Code::unavailable);
    CHECK(e.slug == "provider_unavailable");
    CHECK(e.message == "cannot reach the engine");
    CHECK(e.details_json == R"({"socket":"/run/x"})");
    CHECK(e.retryable);
    CHECK(e.retry_after_ms == 2500);
}

TEST_CASE("an empty error says at least who failed") {
    acp_error raw{};
    raw.struct_size = sizeof raw;
    const Error e = abi::take_error(77, raw, "acp.docker start");
    CHECK(e.message == "acp.docker start failed without a message (status 77)");
    CHECK(e.slug == "provider_error");
}

TEST_CASE("a borrowed text that is not given is empty") {
    CHECK(abi::view({nullptr, 5}).empty());
    CHECK(abi::text({"abc", 2}) == "ab");
}
