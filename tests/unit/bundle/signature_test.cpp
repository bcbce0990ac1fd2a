#include "bundle/signature.h"

#include <catch2/catch.hpp>

#include "base/bytes.h"
#include "unit/bundle/house.h"

using namespace acp;
using namespace acp::bundle;

TEST_CASE("a signature holds for its bytes and its key alone", "[bundle]") {
    const test::Key key, other;
    auto text = sign(key.secret.get(), "bytes");
    REQUIRE(text);
    auto signatures = read_signatures(*text);
    REQUIRE(signatures);
    REQUIRE(signatures->size() == 1);
    const auto& one = signatures->front();
    CHECK(one.key == key.id);
    CHECK(is_signature(key.secret.get(), "bytes", one.bytes));
    CHECK_FALSE(is_signature(key.secret.get(), "bytez", one.bytes));
    CHECK_FALSE(is_signature(key.secret.get(), "", one.bytes));
    CHECK_FALSE(is_signature(other.secret.get(), "bytes", one.bytes));
    for (std::size_t i = 0; i < one.bytes.size(); ++i) {
        std::string bent = one.bytes;
        bent[i] = static_cast<char>(bent[i] ^ 1);
        CHECK_FALSE(is_signature(key.secret.get(), "bytes", bent));
    }
    CHECK_FALSE(is_signature(key.secret.get(), "bytes", one.bytes.substr(1)));
    CHECK_FALSE(is_signature(key.secret.get(), "bytes", std::string(64, '\0')));
    CHECK(write_signatures(*signatures) == *text);
}

TEST_CASE("RFC 8032 section 7.1, test 2", "[bundle]") {
    const std::string raw = *unhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    const std::string signature = *unhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302a"
        "eeb00d291612bb0c00");
    tls::KeyPtr key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr,
                                                reinterpret_cast<const unsigned char*>(raw.data()), raw.size()));
    REQUIRE(key);
    CHECK(is_signature(key.get(), "\x72", signature));
    // The id is over the SubjectPublicKeyInfo: its header for Ed25519 (RFC 8410) and the key.
    CHECK(key_id(key.get()) == sha256_hex(*unhex("302a300506032b6570032100") + raw).substr(0, 16));
    // S beyond the group's order is the same point again: one signature has one spelling.
    std::string malleable = signature;
    malleable[63] = static_cast<char>(malleable[63] | 0x10);
    CHECK_FALSE(is_signature(key.get(), "\x72", malleable));
}

TEST_CASE("malformed signature files", "[bundle]") {
    const std::string bytes = base64url(std::string(64, 'x'));
    auto one = [&](const std::string& key, const std::string& algorithm, const std::string& signature) {
        return R"({"key":")" + key + R"(","algorithm":")" + algorithm + R"(","signature":")" + signature + "\"}";
    };
    auto file = [](const std::string& list) { return R"({"signatures":[)" + list + "]}"; };
    const std::string id = "0123456789abcdef";
    REQUIRE(read_signatures(file(one(id, "ed25519", bytes))));
    std::string many;
    for (int i = 0; i < 17; ++i)
        many += (i ? "," : "") + one(hex(std::string(8, static_cast<char>(i))), "ed25519", bytes);
    struct Case {
        std::string text, why;
    };
    const std::vector<Case> cases = {
        {"", "no JSON object"},
        {"[]", "no JSON object"},
        {"{", "no JSON object"},
        {"{}", "exactly one member"},
        {R"({"signatures":{}})", "exactly one member"},
        {R"({"signatures":[],"more":1})", "exactly one member"},
        {file(""), "no signature"},
        {file("5"), "no object"},
        {file("{}"), "without exactly the members"},
        {file(R"({"key":1,"algorithm":"ed25519","signature":"x"})"), "without exactly the members"},
        {file(R"({"key":")" + id + R"(","algorithm":"ed25519","signature":")" + bytes + R"(","x":1})"),
         "without exactly the members"},
        {file(one("0123456789ABCDEF", "ed25519", bytes)), "16 digits"},
        {file(one("0123", "ed25519", bytes)), "16 digits"},
        {file(one(id, "rsa", bytes)), "another algorithm"},
        {file(one(id, "ed25519", "!" + bytes.substr(1))), "64 bytes"},
        {file(one(id, "ed25519", bytes + "==")), "64 bytes"},
        {file(one(id, "ed25519", base64url(std::string(63, 'x')))), "64 bytes"},
        {file(one(id, "ed25519", bytes.substr(0, bytes.size() - 1) + "B")), "64 bytes"},
        {file(one(id, "ed25519", bytes) + "," + one(id, "ed25519", bytes)), "two signatures of key"},
        {file(many), "more than 16"},
        {file(one(id, "ed25519", bytes)) + "x", "no JSON object"},
    };
    for (const auto& c : cases) {
        auto read = read_signatures(c.text);
        INFO(c.text);
        REQUIRE_FALSE(read);
        INFO(read.error().message);
        CHECK(read.error().message.starts_with("manifest.sig "));
        CHECK(read.error().message.find(c.why) != std::string::npos);
    }
}
