// jose-bench: CPU of this thread for each signature made and each one checked,
// and for taking a token apart. Algorithms take turns; prints the median of
// their rounds, in microseconds.
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "jose/compact.h"
#include "jose/key_set.h"
#include "jose/private_key.h"

namespace {

using namespace acp;
using namespace acp::jose;

constexpr int rounds = 21;
constexpr double round_us = 4000;  ///< of each measurement

double cpu_us() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

template <typename Work>
double us_each(Work work) {
    int count = 0;
    const double begun = cpu_us();
    double spent = 0;
    while (spent < round_us) {
        for (int i = 0; i < 8; ++i) work();
        count += 8;
        spent = cpu_us() - begun;
    }
    return spent / count;
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

/// What an access token of ours says.
constexpr const char* claims =
    R"({"iss":"https://cp.example","sub":"deploy-bot","aud":"alphaswarm-cp","iat":1800000000,"nbf":1800000000,"exp":1800003600,)"
    R"("jti":"01a20e64-3534-708b-996d-0daf46adb701","client_id":"deploy-bot",)"
    R"("scope":"read:infrastructure manage:infrastructure","actor_kind":"service"})";

struct Lane {
    std::string name;
    PrivateKey key;
    std::string token;
    std::vector<double> sign, verify, parse;
};

Lane lane(std::string name, const Result<PrivateKey>& key) {
    std::string token = key->sign("at+jwt", claims).value();
    return {std::move(name), *key, std::move(token), {}, {}, {}};
}

/// Of the size that most providers use; ours are longer.
std::string short_rsa_pem() {
    EVP_PKEY* key = EVP_RSA_gen(2048);
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio, &text);
    std::string out(text, static_cast<std::size_t>(size));
    BIO_free(bio);
    EVP_PKEY_free(key);
    return out;
}

}  // namespace

int main() {
    const std::string short_rsa = short_rsa_pem();
    const std::string rsa = PrivateKey::generate(Algorithm::RS256).value().pem();
    std::vector<Lane> lanes;
    lanes.push_back(lane("RS256 2048", PrivateKey::from_pem(short_rsa, Algorithm::RS256)));
    lanes.push_back(lane("PS256 2048", PrivateKey::from_pem(short_rsa, Algorithm::PS256)));
    for (const Algorithm algorithm : all_algorithms) {
        const std::string name(name_of(algorithm));
        lanes.push_back(algorithm < Algorithm::ES256 ? lane(name + " 3072", PrivateKey::from_pem(rsa, algorithm))
                                                     : lane(name, PrivateKey::generate(algorithm)));
    }
    bool good = true;
    for (int i = 0; i < rounds; ++i)
        for (Lane& one : lanes) {
            const Compact parsed = parse(one.token).value();
            one.sign.push_back(us_each([&] { good = one.key.sign("at+jwt", claims).has_value() && good; }));
            one.verify.push_back(us_each([&] { good = parsed.signed_by(one.key.public_key()) && good; }));
            one.parse.push_back(us_each([&] { good = parse(one.token).has_value() && good; }));
        }
    std::printf("%-12s %10s %10s %10s\n", "", "sign", "verify", "parse");
    for (const Lane& one : lanes)
        std::printf("%-12s %7.1f us %7.1f us %7.1f us\n", one.name.c_str(), median(one.sign), median(one.verify),
                    median(one.parse));
    return good ? 0 : 1;
}
