#include "config/check.h"

#include <algorithm>
#include <map>

#include "config/address.h"
#include "config/check_identity.h"
#include "config/config.h"
#include "config/lookup.h"
#include "json/pointer.h"
#include "json/schema.h"

namespace acp::config {

namespace {

const json::Schema& schema() {
    // The schema is part of the binary and compiled by the tests.
    static const json::Schema compiled = json::Schema::compile(*json::parse(schema_text())).value();
    return compiled;
}

/// The words of the file's writer: keys instead of members.
std::string reworded(std::string detail) {
    static constexpr std::pair<std::string_view, std::string_view> words[] = {
        {"unknown member", "unknown key"},
        {"missing member ", "missing key "},
    };
    for (auto [from, to] : words)
        if (detail.starts_with(from)) detail.replace(0, from.size(), to);
    if (detail.starts_with("must be string, is ")) {
        if (detail.ends_with("integer") || detail.ends_with("number") || detail.ends_with("boolean"))
            return detail + "; put it in quotes";
        if (detail.ends_with("null")) return detail + "; give a value or remove the key";
    }
    if (detail == "must be integer, is string" || detail == "must be number, is string")
        return detail + "; write a number without quotes";
    if (detail == "must be boolean, is string") return detail + "; write true or false without quotes";
    if (detail.ends_with(", is null")) return detail + "; give a value or remove the key";
    return detail;
}

class CrossCheck : private Lookup {
public:
    explicit CrossCheck(Document& document) : Lookup(document.value), document_(document) {}

    void run() {
        check_listen();
        check_tls();
        check_state();
        check_egress();
        check_sizes();
        check_aliases("/providers");
        check_aliases("/http_routes");
        check_aliases("/identity/flows");
        check_default_provider();
        check_mounts();
    }

private:
    void check_listen() {
        Endpoint listen = Server().listen;
        if (auto given = text("/server/listen")) {
            auto parsed = parse_endpoint(*given);
            if (!parsed) {
                if (!given->empty())
                    document_.refuse("/server/listen",
                                     "is no address; write HOST:PORT or [IPV6]:PORT with a port up to 65535");
                return;
            }
            listen = *parsed;
        }
        auto insecure = json::find(document_.value, "/identity/insecure_dev");
        if (insecure && insecure->isBoolean() && insecure->convert<bool>() && !listen.is_loopback())
            document_.refuse("/identity/insecure_dev",
                             "true lets everybody in, so server.listen must be a loopback "
                             "address; listen on 127.0.0.1 or remove this key");
    }

    /// An authority that nobody is measured by, or a check without one, is
    /// hardly what the writer meant.
    void check_tls() {
        std::string auth = text("/server/tls/client_auth").value_or(Tls().client_auth);
        bool has_ca = json::find(document_.value, "/server/tls/client_ca").has_value();
        if (auth == "none" && has_ca)
            document_.refuse("/server/tls/client_ca",
                             "no client is asked for a certificate; set client_auth to optional or required, or remove "
                             "this key");
        if ((auth == "optional" || auth == "required") && !has_ca)
            document_.refuse("/server/tls/client_auth",
                             "names no authority to check certificates by; set client_ca to its PEM file");
    }

    void check_state() {
        const std::string kind = text("/state/kind").value_or(State().kind);
        const bool is_remote = kind == "postgresql" || kind == "redis";
        const auto url = text("/state/url");
        if (is_remote && !has("/state/url"))
            document_.refuse("/state/kind", "names a database but not where it is; set url, for example url: ${STATE_URL}");
        if (url && !is_remote)
            document_.refuse("/state/url", "is for the kinds postgresql and redis; set kind to one of them, or remove this key");
        const auto begins = [&](std::initializer_list<std::string_view> schemes) {
            return std::any_of(schemes.begin(), schemes.end(), [&](std::string_view scheme) { return url->starts_with(scheme); });
        };
        if (url && kind == "postgresql" && !begins({"postgresql://", "postgres://"}))
            document_.refuse("/state/url", "must begin with postgresql://, as kind is postgresql");
        if (url && kind == "redis" && !begins({"redis://", "rediss://", "unix://"}))
            document_.refuse("/state/url", "must begin with redis://, rediss:// or unix://, as kind is redis");
        if (has("/state/path") && kind != "sqlite")
            document_.refuse("/state/path", "is for the kind sqlite; remove this key, or set kind to sqlite");
        if (has("/state/key_file") && kind == "memory")
            document_.refuse("/state/key_file", "is not needed in memory, whose key ends with the process; remove this key");
    }

    void check_egress() {
        const auto proxy = text("/egress/proxy");
        const auto endpoint = parse_endpoint(proxy.value_or(""));
        if (proxy && !proxy->empty() && (!endpoint || endpoint->port == 0))
            document_.refuse("/egress/proxy", "is no address; write HOST:PORT or [IPV6]:PORT with a port from 1 to 65535");
        if (auto credentials = text("/egress/proxy_credentials")) {
            if (!proxy) document_.refuse("/egress/proxy_credentials", "are for no proxy; set proxy, or remove this key");
            if (credentials->find(':') == std::string::npos)
                document_.refuse("/egress/proxy_credentials", "have no colon; write USER:PASSWORD");
        }
    }

    void check_sizes() {
        auto head = number("/server/limits/header_bytes", Limits().header_bytes);
        if (number("/server/limits/target_bytes", Limits().target_bytes) <= head) return;
        bool given = json::find(document_.value, "/server/limits/target_bytes").has_value();
        document_.refuse(given ? "/server/limits/target_bytes" : "/server/limits/header_bytes",
                         "target_bytes is more than header_bytes, which include the target; lower the one or raise "
                         "the other");
    }

    /// One name space for every kind of instance: an alias also names the
    /// instance's folder below the state directory.
    void check_aliases(const std::string& list) {
        for (std::size_t i = 0; i < count(list); ++i) {
            std::string pointer = json::child(json::child(list, i), "alias");
            auto alias = text(pointer);
            if (!alias) continue;
            if (*alias == "store" && !json::find(document_.value, "/plugins/store")) {
                document_.refuse(pointer,
                                 "is the name of the plugins' store in the state folder; choose another, or set "
                                 "plugins.store");
                continue;
            }
            auto [first, fresh] = aliases_.emplace(*alias, pointer);
            if (!fresh)
                document_.refuse(pointer, "the alias is taken by " + json::dotted(json::parent(first->second)) + " (" +
                                              document_.origins.at(first->second).text() + "); choose another");
        }
    }

    void check_default_provider() {
        auto wanted = text("/workloads/default_provider");
        // A list that could not be read proves nothing.
        if (!wanted || document_.unread.count("/providers") > 0) return;
        std::string known;
        for (std::size_t i = 0; i < count("/providers"); ++i) {
            auto alias = text(json::child(json::child("/providers", i), "alias"));
            if (!alias) return;
            if (*alias == *wanted) return;
            known += (known.empty() ? "" : ", ") + *alias;
        }
        document_.refuse("/workloads/default_provider",
                         known.empty() ? "names no provider: there are none; add one to providers"
                                       : "names no provider; the aliases in providers are " + known);
    }

    void check_mounts() {
        std::map<std::string, std::string> seen;
        for (std::size_t i = 0; i < count("/http_routes"); ++i) {
            std::string entry = json::child("/http_routes", i);
            std::string pointer = json::child(entry, "mount");
            auto mount = text(pointer);
            if (mount &&
                ((*mount + '/').find("/./") != std::string::npos || (*mount + '/').find("/../") != std::string::npos)) {
                document_.refuse(pointer, "must not hold the segments . and ..");
                continue;
            }
            if (!mount) {
                auto alias = text(json::child(entry, "alias"));
                if (!alias || json::find(document_.value, pointer)) continue;
                mount = "/ext/" + *alias;
                pointer = entry;
            }
            auto [first, fresh] = seen.emplace(*mount, entry);
            if (!fresh)
                document_.refuse(pointer, "the mount is taken by " + json::dotted(first->second) + " (" +
                                              document_.origins.at(first->second).text() + "); choose another");
        }
    }

    std::map<std::string, std::string> aliases_;  // alias -> pointer of the first entry that took it
    Document& document_;
};

bool is_unread(const Document& document, std::string_view pointer) {
    return document.unread.count(pointer) > 0;
}

}  // namespace

void check_shape(Document& document, const json::Schema& wanted) {
    for (auto& violation : wanted.check(document.value))
        if (!is_unread(document, violation.pointer)) document.refuse(violation.pointer, reworded(violation.detail));
}

void check(Document& document) {
    check_shape(document, schema());
    CrossCheck(document).run();
    check_identity(document);
}

}  // namespace acp::config
