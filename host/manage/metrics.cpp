#include "manage/metrics.h"

#include <sstream>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "client/runner.h"

namespace acp::manage {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

/// Collects values that other rooms count, in prometheus-cpp's own types.
class Families {
public:
    void counter(const std::string& name, const std::string& help, double value, Labels labels = {}) {
        ClientMetric metric;
        metric.label = std::move(labels);
        metric.counter.value = value;
        family(name, help, MetricType::Counter).metric.push_back(std::move(metric));
    }
    void gauge(const std::string& name, const std::string& help, double value, Labels labels = {}) {
        ClientMetric metric;
        metric.label = std::move(labels);
        metric.gauge.value = value;
        family(name, help, MetricType::Gauge).metric.push_back(std::move(metric));
    }
    std::string text() const { return prometheus::TextSerializer().Serialize(families_); }

private:
    MetricFamily& family(const std::string& name, const std::string& help, MetricType type) {
        for (auto& f : families_)
            if (f.name == name) return f;
        MetricFamily f;
        f.name = name;
        f.help = help;
        f.type = type;
        families_.push_back(std::move(f));
        return families_.back();
    }
    std::vector<MetricFamily> families_;
};

Labels label(std::string name, std::string value) {
    ClientMetric::Label l;
    l.name = std::move(name);
    l.value = std::move(value);
    return {l};
}

double number(std::uint64_t n) noexcept { return static_cast<double>(n); }

void add_pool(Families& out, const std::string& name, const work::Pool& pool) {
    const auto stats = pool.stats();
    out.gauge("acp_pool_threads", "Threads of a pool", number(stats.threads), label("pool", name));
    out.gauge("acp_pool_busy", "Threads of a pool at work", number(stats.busy), label("pool", name));
    out.gauge("acp_pool_queued", "Tasks waiting for a thread", number(stats.queued), label("pool", name));
    out.counter("acp_pool_tasks_total", "Tasks done", number(stats.done), label("pool", name));
    out.counter("acp_pool_refused_total", "Tasks refused because the pool was full", number(stats.refused), label("pool", name));
}

void add_keys(Families& out, const identity::KeyCounters& counters) {
    out.counter("acp_identity_key_fetches_total", "Key sets fetched from other issuers", number(counters.fetches));
    out.counter("acp_identity_key_failures_total", "Fetches of key sets that failed", number(counters.failures));
    out.counter("acp_identity_key_stale_total", "Keys used past their time because their issuer is away", number(counters.stale_serves));
    out.counter("acp_identity_key_unknown_total", "Tokens that named a key which their issuer does not publish", number(counters.unknown_kids));
}

void add_auth(Families& out, const auth::Counters& counters) {
    out.counter("acp_auth_tokens_total", "Access tokens given out", number(counters.minted), label("origin", "minted"));
    out.counter("acp_auth_tokens_total", "", number(counters.forwarded), label("origin", "upstream"));
    out.counter("acp_auth_refused_total", "Token requests of proven clients that were not granted", number(counters.refused));
    out.counter("acp_auth_limited_total", "Requests refused for too many failures", number(counters.limited));
    out.counter("acp_auth_introspections_total", "Tokens looked at for clients", number(counters.introspections));
    out.counter("acp_auth_revocations_total", "Tokens revoked by clients", number(counters.revocations));
    for (std::size_t i = 0; i < auth::kClientAuthMethods; ++i) {
        const std::string method(auth::name_of(static_cast<identity::ClientAuth>(i)));
        out.counter("acp_auth_clients_total", "Clients that proved themselves, by method", number(counters.proven.at(i)), label("method", method));
        out.counter("acp_auth_client_failures_total", "Clients that did not, by method", number(counters.failed.at(i)), label("method", method));
    }
}

template <typename Read>
double sum(const std::vector<const wire::Counters*>& all, Read read) {
    std::uint64_t total = 0;
    for (const auto* c : all) total += read(*c);
    return number(total);
}

}  // namespace

std::string metrics_text(const Services& services) {
    Families out;
    const auto& totals = services.actions.totals();
    out.counter("acp_actions_started_total", "Actions whose row is durable and that were handed to a provider", number(totals.started));
    out.counter("acp_actions_total", "Actions by outcome", number(totals.succeeded), label("outcome", "succeeded"));
    out.counter("acp_actions_total", "", number(totals.failed), label("outcome", "failed"));
    out.counter("acp_actions_refused_total", "Actions refused before they began", number(totals.refused));
    out.gauge("acp_streams_open", "Log streams open now", number(services.actions.live_streams()));
    add_pool(out, "queries", services.queries_pool);
    add_pool(out, "callers", services.callers_pool);
    add_pool(out, "actions", services.actions_pool);
    add_pool(out, "streams", services.streams_pool);

    if (services.auth) add_auth(out, *services.auth);
    if (services.keys) add_keys(out, *services.keys);
    if (services.verified_tokens) {
        const auto counts = services.verified_tokens();
        out.counter("acp_identity_cached_token_hits_total", "Requests whose token had been verified before", number(counts.hits));
        out.counter("acp_identity_cached_token_evictions_total", "Verified tokens that gave way to others", number(counts.evictions));
    }

    const auto& upstream = client::runner().counters();
    out.gauge("acp_client_connections", "Connections to other servers that are open", number(upstream.open.get()));
    out.counter("acp_client_connections_total", "Connections made to other servers", number(upstream.accepted.get()));
    out.counter("acp_client_bytes_in_total", "Bytes received from other servers", number(upstream.bytes_in.get()));
    out.counter("acp_client_bytes_out_total", "Bytes sent to other servers", number(upstream.bytes_out.get()));

    const auto ledger = services.ledger.counters();
    const auto health = services.ledger.health();
    out.gauge("acp_ledger_writable", "1 when rows can be written", health.writable ? 1 : 0);
    out.gauge("acp_ledger_queue", "Rows waiting for a commit", number(health.queue_depth));
    out.counter("acp_ledger_rows_total", "Durable rows", number(ledger.rows));
    out.counter("acp_ledger_commits_total", "Commits; rows per commit tell how far they are shared", number(ledger.commits));
    out.counter("acp_ledger_commit_seconds_total", "Time spent in commits", number(ledger.commit_ns) / 1e9);
    out.counter("acp_audit_failures_total", "Commits that the store refused", number(ledger.failures));
    out.counter("acp_audit_refused_total", "Actions refused because no row could be written", number(ledger.refused));

    const auto view = services.catalogue.view();
    for (const auto& instance : view->instances)
        out.gauge("acp_instance_ready", "1 when the instance was made", instance.ready ? 1 : 0, label("alias", instance.alias));
    double failed = 0;
    for (const auto& record : view->records) failed += record.loaded ? 0 : 1;
    out.gauge("acp_plugins_failed", "Plugins that could not be loaded", failed);
    return out.text() + services.wire_metrics();
}

std::string wire_metrics_text(const wire::Engine& engine) {
    Families out;
    const auto all = engine.counters();
    out.counter("acp_connections_accepted_total", "Connections taken", sum(all, [](const auto& c) { return c.accepted.get(); }));
    out.gauge("acp_connections_open", "Connections open now", sum(all, [](const auto& c) { return c.open.get(); }));
    out.counter("acp_connections_over_limit_total", "Connections closed at once: server.limits.connections are busy", sum(all, [](const auto& c) { return c.over_limit.get(); }));
    out.counter("acp_connections_evicted_total", "Idle or slow connections closed to make room for a new one", sum(all, [](const auto& c) { return c.evicted.get(); }));
    out.counter("acp_tls_handshakes_total", "TLS handshakes by outcome", sum(all, [](const auto& c) { return c.tls_handshakes.get(); }), label("outcome", "done"));
    out.counter("acp_tls_handshakes_total", "", sum(all, [](const auto& c) { return c.tls_failed.get(); }), label("outcome", "failed"));
    out.counter("acp_http2_connections_total", "Connections that speak HTTP/2", sum(all, [](const auto& c) { return c.h2_connections.get(); }));
    out.counter("acp_http2_resets_total", "Streams that ended by a reset, from either side", sum(all, [](const auto& c) { return c.h2_resets.get(); }));
    out.counter("acp_http2_floods_total", "HTTP/2 connections closed for too many control frames", sum(all, [](const auto& c) { return c.h2_floods.get(); }));
    out.counter("acp_http2_protocol_errors_total", "HTTP/2 connections closed for breaking the protocol", sum(all, [](const auto& c) { return c.h2_protocol_errors.get(); }));
    out.counter("acp_websockets_total", "Exchanges that went over to WebSocket", sum(all, [](const auto& c) { return c.websockets.get(); }));
    out.counter("acp_http_requests_total", "Requests parsed", sum(all, [](const auto& c) { return c.requests.get(); }));
    for (std::size_t i = 1; i < 6; ++i)
        out.counter("acp_http_responses_total", "Responses by class", sum(all, [i](const auto& c) { return c.responses.at(i).get(); }), label("class", std::to_string(i) + "xx"));
    for (std::size_t i = 1; i < static_cast<std::size_t>(wire::http1::Refusal::last_); ++i)
        out.counter("acp_http_refused_total", "Messages refused by the parser, by reason", sum(all, [i](const auto& c) { return c.refused.at(i).get(); }),
                    label("reason", std::string(wire::http1::refusal_name(static_cast<wire::http1::Refusal>(i)))));
    out.counter("acp_http_timeouts_total", "Connections closed by a time limit", sum(all, [](const auto& c) { return c.timeouts_header.get(); }), label("limit", "header"));
    out.counter("acp_http_timeouts_total", "", sum(all, [](const auto& c) { return c.timeouts_idle.get(); }), label("limit", "idle"));
    out.counter("acp_http_timeouts_total", "", sum(all, [](const auto& c) { return c.timeouts_body.get(); }), label("limit", "body"));
    out.counter("acp_http_timeouts_total", "", sum(all, [](const auto& c) { return c.timeouts_write.get(); }), label("limit", "write"));
    out.counter("acp_http_bytes_total", "Bytes on the wire", sum(all, [](const auto& c) { return c.bytes_in.get(); }), label("direction", "in"));
    out.counter("acp_http_bytes_total", "", sum(all, [](const auto& c) { return c.bytes_out.get(); }), label("direction", "out"));
    out.counter("acp_http_aborted_streams_total", "Streamed responses cut before their end", sum(all, [](const auto& c) { return c.aborted_streams.get(); }));
    return out.text();
}

}  // namespace acp::manage
