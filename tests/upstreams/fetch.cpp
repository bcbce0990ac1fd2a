// Drives the host's client from the command line, so that tests can put real
// servers on the other side. Prints one JSON object a request and one at the end:
//   {"status":200,"bytes":5,"sha256":"…","fields":[["name","value"],…]}
//   {"error":"unavailable","slug":"…","message":"…","retryable":true,"status":0,"bytes":0}
//   {"connections":1}
//
//   fetch [options] URL
//     --method M  --body TEXT | --body-size N  --field "Name: value" (repeatable)
//     --versions http1|http2|negotiate         what to speak (default http1)
//     --ca F --certificate F --key F --spiffe ID
//     --proxy HOST:PORT  --proxy-authorization VALUE
//     --repeat N      one request after the other, in each of
//     --parallel P    so many threads
//     --pause-ms N    before each but the first
//     --read-pause-ms N   after each piece of a body, to read slowly
//     --deadline-ms N --idle-ms N --connect-ms N --max-body N
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "client/exchange.h"
#include "client/runner.h"
#include "client/trust.h"
#include "json/json.h"

using namespace acp;

namespace {

struct Options {
    std::map<std::string, std::string> values;
    std::vector<std::pair<std::string, std::string>> fields;
    std::string url;
    std::string get(const std::string& name, const std::string& fallback = {}) const {
        const auto at = values.find(name);
        return at == values.end() ? fallback : at->second;
    }
    std::int64_t number(const std::string& name, std::int64_t fallback) const {
        const auto at = values.find(name);
        return at == values.end() ? fallback : std::stoll(at->second);
    }
};

[[noreturn]] void give_up(const std::string& why) {
    std::fprintf(stderr, "fetch: %s\n", why.c_str());
    std::exit(2);
}

Options read(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string argument = argv[i];
        if (!argument.starts_with("--")) {
            options.url = argument;
            continue;
        }
        if (++i == argc) give_up(argument + " needs a value");
        if (argument == "--field") {
            const std::string field = argv[i];
            const auto colon = field.find(": ");
            if (colon == std::string::npos) give_up("a field is \"Name: value\"");
            options.fields.emplace_back(field.substr(0, colon), field.substr(colon + 2));
        } else {
            options.values[argument.substr(2)] = argv[i];
        }
    }
    return options;
}

const char* name_of(Code code) {
    switch (code) {
        case Code::invalid:
            return "invalid";
        case Code::exhausted:
            return "exhausted";
        case Code::provider_error:
            return "provider_error";
        case Code::unavailable:
            return "unavailable";
        case Code::deadline:
            return "deadline";
        case Code::cancelled:
            return "cancelled";
        default:
            return "internal";
    }
}

json::Object::Ptr fetch(const Options& options, const client::Origin& origin, const client::Url& url) {
    client::Request request;
    request.method = options.get("method", "GET");
    request.target = url.target;
    request.authority = url.host_field;
    request.fields = options.fields;
    request.body = options.get("body");
    if (options.values.contains("body-size"))
        request.body.assign(static_cast<std::size_t>(options.number("body-size", 0)), 'b');
    int status = 0;
    std::string body;
    auto fields = json::array();
    client::Handlers handlers;
    handlers.on_head = [&](const client::ResponseHead& head) {
        status = head.status;
        for (const auto& field : head.fields) {
            auto pair = json::array();
            pair->add(std::string(field.name));
            pair->add(std::string(field.value));
            fields->add(pair);
        }
        return true;
    };
    handlers.on_body = [&](std::string_view bytes) {
        body += bytes;
        if (const auto pause = options.number("read-pause-ms", 0); pause > 0)
            std::this_thread::sleep_for(std::chrono::milliseconds(pause));
        return true;
    };
    client::Bounds bounds;
    bounds.limits.connect_timeout_ms = options.number("connect-ms", 5000);
    bounds.limits.idle_timeout_ms = options.number("idle-ms", 20000);
    if (const auto ms = options.number("deadline-ms", 0); ms > 0)
        bounds.limits.deadline_mono_ns = monotonic_ns() + ms * 1'000'000;
    bounds.max_body_bytes = static_cast<std::uint64_t>(options.number("max-body", INT64_MAX));
    const Result<void> done = client::exchange(origin, std::move(request), handlers, bounds);
    auto out = json::object({{"status", status}, {"bytes", static_cast<std::int64_t>(body.size())}});
    if (done) {
        out->set("sha256", sha256_hex(body));
        out->set("fields", fields);
        if (body.size() <= 1000) out->set("body", repair_utf8(body));
        return out;
    }
    out->set("error", name_of(done.error().code));
    out->set("slug", done.error().slug);
    out->set("message", done.error().message);
    out->set("retryable", done.error().retryable);
    return out;
}

}  // namespace

int main(int argc, char** argv) {
    const Options options = read(argc, argv);
    const auto url = client::parse_url(options.url);
    if (!url) give_up(url.error().message);
    client::Origin origin = client::origin_of(*url);
    const std::string versions = options.get("versions", "http1");
    origin.versions = versions == "http2"       ? client::Versions::http2
                      : versions == "negotiate" ? client::Versions::negotiate
                                                : client::Versions::http1;
    if (origin.scheme == client::Scheme::https) {
        const auto trust = client::trust_of({options.get("ca"), options.get("certificate"), options.get("key")});
        if (!trust) give_up(trust.error().message);
        origin.tls = {*trust, options.get("spiffe")};
    }
    if (const std::string proxy = options.get("proxy"); !proxy.empty()) {
        const auto colon = proxy.rfind(':');
        origin.proxy = {proxy.substr(0, colon), static_cast<std::uint16_t>(std::stoi(proxy.substr(colon + 1))),
                        options.get("proxy-authorization")};
    }

    std::mutex mutex;
    std::vector<std::thread> threads;
    for (std::int64_t p = 0; p < options.number("parallel", 1); ++p)
        threads.emplace_back([&] {
            for (std::int64_t i = 0; i < options.number("repeat", 1); ++i) {
                if (i > 0) std::this_thread::sleep_for(std::chrono::milliseconds(options.number("pause-ms", 0)));
                const std::string line = json::dump(fetch(options, origin, *url));
                const std::lock_guard lock(mutex);
                std::printf("%s\n", line.c_str());
                std::fflush(stdout);
            }
        });
    for (auto& thread : threads) thread.join();
    std::printf("{\"connections\":%llu}\n",
                static_cast<unsigned long long>(client::runner().counters().accepted.get()));
    return 0;
}
