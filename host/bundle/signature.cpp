#include "bundle/signature.h"

#include <openssl/err.h>

#include <algorithm>

#include "base/bytes.h"
#include "bundle/names.h"
#include "json/json.h"

namespace acp::bundle {

namespace {

constexpr std::size_t most_signatures = 16;
constexpr std::size_t signature_bytes = 64;

tl::unexpected<Error> malformed(const std::string& why) {
    return fail(Code::invalid, "signature_malformed", "manifest.sig " + why);
}

bool is_key_id(std::string_view text) {
    return text.size() == 16 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// The member as text; nothing when it is missing or of another type.
std::optional<std::string> text_of(const json::Object::Ptr& object, const std::string& name) {
    auto value = object->get(name);
    if (!value.isString()) return {};
    return value.extract<std::string>();
}

Result<Signature> read_one(const json::Var& value) {
    if (value.type() != typeid(json::Object::Ptr)) return malformed("has a signature that is no object");
    auto object = value.extract<json::Object::Ptr>();
    auto key = text_of(object, "key");
    auto algorithm = text_of(object, "algorithm");
    auto encoded = text_of(object, "signature");
    if (object->size() != 3 || !key || !algorithm || !encoded)
        return malformed("has a signature without exactly the members key, algorithm and signature");
    if (!is_key_id(*key)) return malformed("has a key that is no id of 16 digits of lower-case hex");
    if (*algorithm != "ed25519") return malformed("has a signature by another algorithm than ed25519");
    auto bytes = unbase64url(*encoded);
    if (!bytes || bytes->size() != signature_bytes)
        return malformed("has a signature that is not 64 bytes in base64url");
    return Signature{*key, *bytes};
}

}  // namespace

Result<std::vector<Signature>> read_signatures(std::string_view text) {
    auto root = json::parse_object(text, {8, static_cast<std::size_t>(most_signature_bytes)});
    if (!root) return malformed("is no JSON object: " + root.error().message);
    auto list = (*root)->get("signatures");
    if ((*root)->size() != 1 || list.type() != typeid(json::Array::Ptr))
        return malformed("has not exactly one member, the list signatures");
    std::vector<Signature> out;
    for (const auto& value : *list.extract<json::Array::Ptr>()) {
        auto one = read_one(value);
        if (!one) return fail(one.error());
        if (std::any_of(out.begin(), out.end(), [&](const Signature& s) { return s.key == one->key; }))
            return malformed("has two signatures of key " + one->key);
        out.push_back(std::move(*one));
        if (out.size() > most_signatures) return malformed("has more than 16 signatures");
    }
    if (out.empty()) return malformed("has no signature");
    return out;
}

std::string write_signatures(const std::vector<Signature>& signatures) {
    auto list = json::array();
    for (const auto& s : signatures)
        list->add(json::object({{"key", s.key}, {"algorithm", "ed25519"}, {"signature", base64url(s.bytes)}}));
    return json::dump(json::object({{"signatures", list}})) + "\n";
}

std::string key_id(EVP_PKEY* key) {
    unsigned char* der = nullptr;
    int size = i2d_PUBKEY(key, &der);
    if (size <= 0) return {};
    std::string id = sha256_hex({reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)}).substr(0, 16);
    OPENSSL_free(der);
    return id;
}

bool is_signature(EVP_PKEY* key, std::string_view message, std::string_view signature) {
    using Context = std::unique_ptr<EVP_MD_CTX, tls::FreeWith<EVP_MD_CTX_free>>;
    if (signature.size() != signature_bytes || !EVP_PKEY_is_a(key, "ED25519")) return false;
    Context context(EVP_MD_CTX_new());
    auto bytes = [](std::string_view s) { return reinterpret_cast<const unsigned char*>(s.data()); };
    // Ed25519 has its hash inside: none is named.
    const bool good =
        context && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key) == 1 &&
        EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(message), message.size()) == 1;
    ERR_clear_error();
    return good;
}

}  // namespace acp::bundle
