#include "jose/material.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "base/bytes.h"

namespace acp::jose {

namespace {

using Number = std::unique_ptr<BIGNUM, FreeWith<BN_free>>;
using Context = std::unique_ptr<EVP_PKEY_CTX, FreeWith<EVP_PKEY_CTX_free>>;
using Builder = std::unique_ptr<OSSL_PARAM_BLD, FreeWith<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, FreeWith<OSSL_PARAM_free>>;

constexpr std::size_t least_rsa_bits = 2048;
constexpr std::size_t most_rsa_bits = 8192;
// A longer exponent makes each verification slower and nothing safer.
constexpr std::size_t most_exponent_bytes = 8;

struct Kind {
    KeyType type;
    std::string_view kty, crv;
    const char* group;  ///< OpenSSL's name of the curve
    std::size_t coordinate;
};
// In the order of the enumeration.
constexpr std::array<Kind, 5> kinds{{{KeyType::rsa, "RSA", "", "", 0},
                                     {KeyType::p256, "EC", "P-256", "prime256v1", 32},
                                     {KeyType::p384, "EC", "P-384", "secp384r1", 48},
                                     {KeyType::p521, "EC", "P-521", "secp521r1", 66},
                                     {KeyType::ed25519, "OKP", "Ed25519", "", 32}}};

const Kind& kind_of(KeyType type) noexcept {
    return kinds[static_cast<std::size_t>(type)];
}

const unsigned char* bytes(std::string_view s) {
    return reinterpret_cast<const unsigned char*>(s.data());
}

Number number(std::string_view big_endian) {
    return Number(BN_bin2bn(bytes(big_endian), static_cast<int>(big_endian.size()), nullptr));
}

std::size_t bits_of(std::string_view big_endian) {
    if (big_endian.empty()) return 0;
    return (big_endian.size() - 1) * 8 + static_cast<std::size_t>(std::bit_width(bytes(big_endian)[0]));
}

bool is_odd(std::string_view big_endian) {
    return !big_endian.empty() && (bytes(big_endian)[big_endian.size() - 1] & 1) != 0;
}

KeyPtr from_params(const char* type, OSSL_PARAM_BLD* builder) {
    Params params(OSSL_PARAM_BLD_to_param(builder));
    Context context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
    EVP_PKEY* key = nullptr;
    if (params && context && EVP_PKEY_fromdata_init(context.get()) == 1)
        EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get());
    return KeyPtr(key);
}

/// Slow, and done once for each key: for EC it proves that the point is on the
/// curve and not its infinity.
bool is_sound(EVP_PKEY* key) {
    Context context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
    return context && EVP_PKEY_public_check(context.get()) == 1;
}

Result<KeyPtr> build_rsa(const Numbers& numbers) {
    const std::string& n = numbers.first;
    const std::string& e = numbers.second;
    // RFC 7518 section 6.3.1: the fewest bytes that hold the number.
    if (n.empty() || n[0] == '\0')
        return invalid_key("n", "the modulus n of an RSA key is empty or begins with a zero byte");
    if (e.empty() || e[0] == '\0')
        return invalid_key("e", "the exponent e of an RSA key is empty or begins with a zero byte");
    if (bits_of(n) < least_rsa_bits || bits_of(n) > most_rsa_bits)
        return invalid_key("n", "an RSA key has " + std::to_string(bits_of(n)) + " bits; 2048 to 8192 are taken");
    if (!is_odd(n)) return invalid_key("n", "the modulus n of an RSA key is even");
    if (e.size() > most_exponent_bytes || !is_odd(e) || e == "\x01")
        return invalid_key("e", "the exponent e of an RSA key must be odd, at least 3 and below 2^64");
    Builder builder(OSSL_PARAM_BLD_new());
    const Number modulus = number(n);
    const Number exponent = number(e);
    KeyPtr key;
    if (builder && modulus && exponent &&
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) == 1 &&
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) == 1)
        key = from_params("RSA", builder.get());
    if (!key) return invalid_key("n", "an RSA key cannot be used");
    return key;
}

Result<KeyPtr> build_ec(const Numbers& numbers) {
    const Kind& kind = kind_of(numbers.type);
    if (numbers.first.size() != kind.coordinate)
        return invalid_key("x", "the coordinate x of a " + std::string(kind.crv) + " key must have " +
                                    std::to_string(kind.coordinate) + " bytes");
    if (numbers.second.size() != kind.coordinate)
        return invalid_key("y", "the coordinate y of a " + std::string(kind.crv) + " key must have " +
                                    std::to_string(kind.coordinate) + " bytes");
    // SEC 1 section 2.3.3: an uncompressed point.
    const std::string point = "\x04" + numbers.first + numbers.second;
    Builder builder(OSSL_PARAM_BLD_new());
    KeyPtr key;
    if (builder && OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, kind.group, 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) == 1)
        key = from_params("EC", builder.get());
    if (!key || !is_sound(key.get()))
        return invalid_key("point", "the point of a " + std::string(kind.crv) + " key is not on its curve");
    return key;
}

/// The y of the eight points whose order divides 8, and the other spellings of
/// two of them: R = S * B is a signature of any text by such a "key". OpenSSL
/// takes them, RFC 8032 leaves it open.
bool has_small_order(std::string_view key) {
    static const std::array<std::string, 7> all = {
        *unhex("0000000000000000000000000000000000000000000000000000000000000000"),
        *unhex("0100000000000000000000000000000000000000000000000000000000000000"),
        *unhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
        *unhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
        *unhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
        *unhex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
        *unhex("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")};
    // The highest bit is the sign of x.
    std::string y(key);
    y.back() = static_cast<char>(y.back() & 0x7f);
    return std::find(all.begin(), all.end(), y) != all.end();
}

Result<KeyPtr> build_ed25519(const Numbers& numbers) {
    const std::string& x = numbers.first;
    if (x.size() != kind_of(KeyType::ed25519).coordinate) return invalid_key("x", "an Ed25519 key must have 32 bytes");
    if (has_small_order(x))
        return invalid_key("point", "the point of an Ed25519 key is one of the eight that make signatures worthless");
    KeyPtr key(EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr, bytes(x), x.size()));
    if (!key) return invalid_key("x", "an Ed25519 key cannot be used");
    return key;
}

/// The named number in the fewest bytes, or in `width` of them.
std::string number_of(const EVP_PKEY* key, const char* name, std::size_t width = 0) {
    BIGNUM* raw = nullptr;
    if (EVP_PKEY_get_bn_param(key, name, &raw) != 1) return {};
    const Number value(raw);
    std::string out(width > 0 ? width : static_cast<std::size_t>(BN_num_bytes(raw)), '\0');
    if (BN_bn2binpad(raw, reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(out.size())) < 0) return {};
    return out;
}

Result<Numbers> ec_numbers_of(const EVP_PKEY* key) {
    char group[64] = {};
    int is_explicit = 0;
    // A curve that is spelled out could be one that only looks like the named one.
    if (EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &is_explicit) == 1 &&
        is_explicit != 0)
        return invalid_key("crv", "the key's curve is not named but given by its numbers");
    if (EVP_PKEY_get_group_name(key, group, sizeof group, nullptr) == 1)
        for (const Kind& kind : kinds)
            if (kind.kty == "EC" && std::string_view(group) == kind.group)
                return Numbers{kind.type, number_of(key, OSSL_PKEY_PARAM_EC_PUB_X, kind.coordinate),
                               number_of(key, OSSL_PKEY_PARAM_EC_PUB_Y, kind.coordinate)};
    return unused_key("crv", "the key is on another curve than P-256, P-384 and P-521");
}

}  // namespace

KeyType type_of(Algorithm algorithm) noexcept {
    switch (algorithm) {
        case Algorithm::ES256:
            return KeyType::p256;
        case Algorithm::ES384:
            return KeyType::p384;
        case Algorithm::ES512:
            return KeyType::p521;
        case Algorithm::EdDSA:
            return KeyType::ed25519;
        default:
            return KeyType::rsa;
    }
}

std::string_view kty_of(KeyType type) noexcept {
    return kind_of(type).kty;
}

std::string_view crv_of(KeyType type) noexcept {
    return kind_of(type).crv;
}

std::size_t coordinate_bytes(KeyType type) noexcept {
    return kind_of(type).coordinate;
}

tl::unexpected<Error> invalid_key(std::string check, std::string message) {
    Error e;
    e.code = Code::invalid;
    e.slug = "key_invalid";
    e.message = std::move(message);
    e.internal = std::move(check);
    return fail(std::move(e));
}

tl::unexpected<Error> unused_key(std::string check, std::string message) {
    auto out = invalid_key(std::move(check), std::move(message));
    out.value().slug = "key_unused";
    return out;
}

Result<KeyPtr> build(const Numbers& numbers) {
    auto key = numbers.type == KeyType::rsa       ? build_rsa(numbers)
               : numbers.type == KeyType::ed25519 ? build_ed25519(numbers)
                                                  : build_ec(numbers);
    // Reasons of OpenSSL must not turn up in somebody else's failure.
    ERR_clear_error();
    return key;
}

Result<Numbers> numbers_of(const EVP_PKEY* key) {
    if (EVP_PKEY_is_a(key, "RSA"))
        return Numbers{KeyType::rsa, number_of(key, OSSL_PKEY_PARAM_RSA_N), number_of(key, OSSL_PKEY_PARAM_RSA_E)};
    if (EVP_PKEY_is_a(key, "EC")) return ec_numbers_of(key);
    if (EVP_PKEY_is_a(key, "ED25519")) {
        std::string raw(coordinate_bytes(KeyType::ed25519), '\0');
        std::size_t size = raw.size();
        if (EVP_PKEY_get_raw_public_key(key, reinterpret_cast<unsigned char*>(raw.data()), &size) == 1) {
            raw.resize(size);
            return Numbers{KeyType::ed25519, std::move(raw), {}};
        }
    }
    return unused_key("kty", "the key is neither RSA nor EC nor Ed25519");
}

}  // namespace acp::jose
