#include "bundle/elf.h"

#include <elf.h>

#include <catch2/catch.hpp>
#include <cstring>

#include "bundle/platform.h"
#include "unit/bundle/house.h"

using namespace acp;
using namespace acp::bundle;

TEST_CASE("the tables of a plugin", "[bundle]") {
    auto facts = read_elf_file(ACP_PLUGIN_SO);
    if (!facts) FAIL(facts.error().message);
    CHECK(facts->arch == this_host().platform.arch);
    CHECK(facts->exports == std::vector<std::string>{"acp_plugin_entry_v1"});
    CHECK(std::count(facts->needed.begin(), facts->needed.end(), "libc.so.6") == 1);
    CHECK(facts->libc_min.starts_with("2."));
    CHECK(compare_libc(facts->libc_min, this_host().platform.libc_min) <= 0);
    CHECK(facts->sha256.size() == 64);
    CHECK(facts->size == static_cast<std::int64_t>(std::filesystem::file_size(ACP_PLUGIN_SO)));
}

TEST_CASE("any bytes may stand for a shared object", "[bundle]") {
    const std::string whole = test::contents(ACP_PLUGIN_SO);
    CHECK_FALSE(read_elf(""));
    CHECK_FALSE(read_elf("#!/bin/sh\n"));
    for (std::size_t size = 0; size < whole.size(); size += whole.size() / 200)
        CHECK_FALSE(read_elf(std::string_view(whole).substr(0, size)));
    // Each byte of the header, bent.
    Elf64_Ehdr header;
    std::memcpy(&header, whole.data(), sizeof header);
    std::string bent = whole;
    auto bend = [&](std::size_t from, std::size_t to) {
        for (std::size_t i = from; i < to; ++i)
            for (int with : {0x01, 0x80, 0xff}) {
                bent[i] = static_cast<char>(whole[i] ^ with);
                (void)read_elf(bent);
                bent[i] = whole[i];
            }
    };
    bend(0, sizeof header);
    CHECK(read_elf(bent));
    std::string no_dynamic = whole;
    no_dynamic[4] = ELFCLASS32;
    CHECK(read_elf(no_dynamic).error().message == "is no 64-bit little-endian ELF shared object");
    CHECK(read_elf_file("/nonexistent.so").error().message.find("/nonexistent.so cannot be read: No such file") == 0);
    CHECK(read_elf_file("/").error().message.find("is no file") != std::string::npos);
}
