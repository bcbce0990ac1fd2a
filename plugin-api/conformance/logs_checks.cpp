// conformance: acp.logs/1.
#include <map>
#include <thread>

#include "open_stream.h"
#include "text.h"
#include "workload.h"

namespace acp::conformance {

namespace {

constexpr const char* kIid = ACP_IID_LOGS;

class Logs final : public StreamSource {
public:
    explicit Logs(Bench& bench) : provider_(bench.provider()) {
        if (!supports(*provider_, "logs")) not_applicable("the plugin does not support logs");
        workload_.emplace(bench, *provider_);
        // What the sample prints has to be there before it is read.
        for (int i = 0; i < 100 && read().writes.size() < 5; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    std::string name(int) const override { return "logs"; }
    Answer open(int, FakeStream& stream, const FakeCall& call) override { return provider_->logs(id(), stream, {}, call); }
    Answer open_endless(int kind, FakeStream& stream, const FakeCall& call) override {
        sdk::LogQuery query;
        query.follow = true;
        const Answer answer = provider_->logs(id(), stream, query, call);
        return answer.code == ACP_E_UNSUPPORTED ? open(kind, stream, call) : answer;
    }
    Answer open_unknown(FakeStream& stream) override { return provider_->logs("conformance-unknown", stream); }

    ProviderClient& provider() { return *provider_; }
    const std::string& id() const { return workload_->id(); }
    /// All that is there now, or by `query`.
    FakeStream::Output read(const sdk::LogQuery& query = {}) {
        FakeStream stream;
        const FakeCall call(kStreamLimit);
        const Answer answer = provider_->logs(id(), stream, query, call);
        expect_status(answer, {ACP_OK});
        require(stream.read_to_end(kStreamLimit), "logs do not finish their stream", "finish", "none within 15 s");
        return stream.output();
    }

private:
    std::unique_ptr<ProviderClient> provider_;
    std::optional<Workload> workload_;
};

std::unique_ptr<StreamSource> source(Bench& b) {
    return std::make_unique<Logs>(b);
}

void table(Bench& b) {
    require(whole_table<acp_logs>(b.interface(kIid)).open, "the table lacks its function", "open", "NULL");
}

void line_form(Bench& b) {
    Logs logs(b);
    std::map<std::string, std::string> latest;
    for (const auto& line : logs.read().writes) {
        require(is_log_line(line), "a write is no log line", "<RFC 3339, nanoseconds, UTC> <replica> <text>\\n", in_quotes(line));
        // The stamps have one width: text order is time order.
        const std::string stamp = line.substr(0, 30), replica = line.substr(31, line.find(' ', 31) - 31);
        require(latest[replica] <= stamp, "the lines of a replica are not in order", "rising times", in_quotes(line));
        latest[replica] = stamp;
    }
}

void tail(Bench& b) {
    Logs logs(b);
    for (const int64_t lines : {0, 1, 2}) {
        sdk::LogQuery query;
        query.tail_lines = lines;
        const auto found = logs.read(query).writes.size();
        require(found <= static_cast<std::size_t>(lines), "more lines than were asked for", std::to_string(lines),
                std::to_string(found));
    }
}

void since(Bench& b) {
    Logs logs(b);
    sdk::LogQuery query;
    query.since_unix_ns = int64_t{4'000'000'000} * 1'000'000'000;  // in 2096
    const auto found = logs.read(query).writes.size();
    require(found == 0, "lines from before the bound are given", "none", std::to_string(found));
}

void follow_goes_on(Bench& b) {
    Logs logs(b);
    FakeStream stream;
    sdk::LogQuery query;
    query.follow = true;
    const FakeCall call(kStreamLimit);
    const Answer answer = logs.provider().logs(logs.id(), stream, query, call);
    if (answer.code == ACP_E_UNSUPPORTED) not_applicable("the plugin does not follow logs: " + told(answer));
    expect_status(answer, {ACP_OK});
    require(!stream.wait_finished(std::chrono::milliseconds(300)), "a followed log ends while its workload runs",
            "a stream that goes on", "finish");
    stream.close();
    expect_released(b, stream, "logs");
}

void query_sizes(Bench& b) {
    Logs logs(b);
    const auto& p = logs.provider();
    acp_log_query whole{};
    whole.struct_size = sizeof whole;
    whole.tail_lines = -1;
    using Query = Resized<acp_log_query>;
    for (const auto kind : {Query::short_by_a_pointer, Query::longer_by_4_kib}) {
        const Query query(whole, kind);
        FakeStream stream;
        const FakeCall call(kStreamLimit);
        sdk::ErrorSlot error;
        const acp_status status = at_boundary("logs", [&] {
            return p.logs_table().open(p.self(), call.raw(), sdk::str(logs.id()), query.get(), stream.lend(), error.get());
        });
        if (status != ACP_OK) {
            stream.take_back();
            continue;
        }
        stream.read_to_end(kStreamLimit);
        expect_released(b, stream, "logs");
    }
}

}  // namespace

const std::vector<Check>& logs_checks() {
    static const std::vector<Check> all = {
        {"logs.table", kIid, "provider.create", "the table is complete", &table},
        {"logs.failure_keeps_reference", kIid, "logs.table", "a failed open leaves the stream alone", &over_streams<source, failure_keeps_reference>},
        {"logs.finish_once", kIid, "logs.table", "a stream is finished once and given back", &over_streams<source, finishes_once>},
        {"logs.line_form", kIid, "logs.table", "one write a line, in form and order", &line_form},
        {"logs.tail", kIid, "logs.table", "no more lines than asked for", &tail},
        {"logs.since", kIid, "logs.table", "no line from before the bound", &since},
        {"logs.follow", kIid, "logs.table", "a followed log goes on", &follow_goes_on},
        {"logs.gone_before", kIid, "logs.table", "a listener that has left already is noticed", &over_streams<source, ends_when_gone_before>},
        {"logs.gone_at_each_step", kIid, "logs.table", "one that leaves at any step, too", &over_streams<source, ends_when_gone_at_each_step>},
        {"logs.cancel.closes_once", kIid, "logs.table", "a stream that is cut is given back once", &over_streams<source, ends_when_listener_leaves>},
        {"logs.backpressure", kIid, "logs.table", "credit is respected and nothing is lost", &over_streams<source, keeps_to_credit>},
        {"logs.failing_writes", kIid, "logs.table", "writes that fail are survived", &over_streams<source, survives_failing_writes>},
        {"logs.throwing_writes", kIid, "logs.table", "writes that throw are survived", &over_streams<source, survives_throwing_writes>},
        {"logs.deadline", kIid, "logs.table", "open ends with its deadline", &over_streams<source, opens_in_time>},
        {"logs.struct_sizes", kIid, "logs.table", "a query of another size is survived", &query_sizes},
        {"logs.leaks", kIid, "logs.table", "streams leave no descriptor and no thread", &over_streams<source, streams_leave_nothing>},
    };
    return all;
}

}  // namespace acp::conformance
