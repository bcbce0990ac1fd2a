// jose-bench: CPU of this thread for each signature made and each one checked,
// and for taking a token apart. Algorithms take turns; prints the median of
// their rounds, in microseconds.
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
    R"("jti":"01a20e64-3534-708b-996d-0daf46adb701","client_id":"deploy-bot","scope":"read:infrastructure manage:infrastructure","actor_kind":"service"})";

struct Lane {
    std::string name;
    PrivateKey key;
    std::string token;
    std::vector<double> sign, verify, parse;
};

Lane lane(Algorithm algorithm, const std::string& suffix, const std::string& pem) {
    auto key = pem.empty() ? PrivateKey::generate(algorithm) : PrivateKey::from_pem(pem, algorithm);
    std::string token = key->sign("at+jwt", claims).value();
    return {std::string(name_of(algorithm)) + suffix, *key, std::move(token), {}, {}, {}};
}

}  // namespace

int main() {
    const std::string rsa = PrivateKey::generate(Algorithm::RS256).value().pem();
    std::vector<Lane> lanes;
    for (const Algorithm algorithm : all_algorithms) {
        const bool is_rsa = algorithm < Algorithm::ES256;
        lanes.push_back(lane(algorithm, is_rsa ? " 3072" : "", is_rsa ? rsa : ""));
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
        std::printf("%-12s %7.1f us %7.1f us %7.1f us\n", one.name.c_str(), median(one.sign), median(one.verify), median(one.parse));
    return good ? 0 : 1;
}
