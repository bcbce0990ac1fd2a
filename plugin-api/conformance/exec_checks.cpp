// conformance: acp.exec/1.
#include <thread>

#include "open_stream.h"
#include "text.h"
#include "workload.h"

namespace acp::conformance {

namespace {

constexpr const char* kIid = ACP_IID_EXEC;

class Exec final : public StreamSource {
public:
    explicit Exec(Bench& bench) : provider_(bench.provider()) {
        if (!supports(*provider_, "exec")) not_applicable("the plugin does not support exec");
        workload_.emplace(bench, *provider_);
        for (int i = 0; i < 500 && !running(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    std::string name(int) const override { return "exec"; }
    Answer open(int, FakeStream& stream, const FakeCall& call) override {
        return run({"/bin/sh", "-c", "i=0; while [ $i -lt 200 ]; do echo line $i; i=$((i+1)); done"}, stream, call);
    }
    Answer open_endless(int, FakeStream& stream, const FakeCall& call) override {
        return run({"/bin/sleep", "60"}, stream, call);
    }
    Answer open_unknown(FakeStream& stream) override {
        sdk::ExecRequest request;
        request.argv = {"/bin/echo"};
        return provider_->exec("conformance-unknown", stream, request);
    }

    Answer run(std::vector<std::string> argv, FakeStream& stream, const FakeCall& call, bool want_stdin = false) {
        sdk::ExecRequest request;
        request.argv = std::move(argv);
        request.want_stdin = want_stdin;
        return provider_->exec(id(), stream, request, call);
    }
    ProviderClient& provider() { return *provider_; }
    const std::string& id() const { return workload_->id(); }

private:
    bool running() {
        const Answer answer = provider_->status(id());
        return answer.ok() && answer.status().replicas_ready > 0;
    }
    std::unique_ptr<ProviderClient> provider_;
    std::optional<Workload> workload_;
};

std::unique_ptr<StreamSource> source(Bench& b) {
    return std::make_unique<Exec>(b);
}

void table(Bench& b) {
    require(whole_table<acp_exec>(b.interface(kIid)).open, "the table lacks its function", "open", "NULL");
}

void output_and_status(Bench& b) {
    Exec exec(b);
    FakeStream stream;
    const FakeCall call(kStreamLimit);
    expect_status(exec.run({"/bin/echo", "conformance"}, stream, call), {ACP_OK});
    require(stream.read_to_end(kStreamLimit), "exec does not finish its stream", "finish", "none within 15 s");
    require(stream.output().out.find("conformance") != std::string::npos, "the output of /bin/echo conformance is missing",
            "conformance", in_quotes(stream.output().out));
    require(is_json_object(stream.output().status), "STATUS has to hold one JSON document", R"({"status":"Success"})",
            in_quotes(stream.output().status));
    expect_released(b, stream, "exec");
}

void input(Bench& b) {
    Exec exec(b);
    FakeStream stream;
    const FakeCall call(kStreamLimit);
    const Answer answer = exec.run({"/bin/cat"}, stream, call, true);
    if (!answer.ok()) not_applicable("/bin/cat cannot be run: " + told(answer));
    stream.send(ACP_CHANNEL_STDIN, "conformance\n", b.options().patience);
    stream.half_close(ACP_CHANNEL_STDIN);
    require(stream.read_to_end(kStreamLimit), "a command does not end with its input", "finish", "none within 15 s");
    expect_released(b, stream, "exec");
}

void request_sizes(Bench& b) {
    Exec exec(b);
    const auto& p = exec.provider();
    const acp_str argv[] = {ACP_STR_LITERAL("/bin/echo")};
    acp_exec_request whole{};
    whole.struct_size = sizeof whole;
    whole.argv = argv;
    whole.argv_count = 1;
    using Request = Resized<acp_exec_request>;
    for (const auto kind : {Request::short_by_a_pointer, Request::longer_by_4_kib}) {
        const Request request(whole, kind);
        FakeStream stream;
        const FakeCall call(kStreamLimit);
        sdk::ErrorSlot error;
        const acp_status status = at_boundary("exec", [&] {
            return p.exec_table().open(p.self(), call.raw(), sdk::str(exec.id()), request.get(), stream.lend(), error.get());
        });
        if (status != ACP_OK) {
            stream.take_back();
            continue;
        }
        stream.read_to_end(kStreamLimit);
        expect_released(b, stream, "exec");
    }
}

}  // namespace

const std::vector<Check>& exec_checks() {
    static const std::vector<Check> all = {
        {"exec.table", kIid, "provider.create", "the table is complete", &table},
        {"exec.failure_keeps_reference", kIid, "exec.table", "a failed open leaves the stream alone", &over_streams<source, failure_keeps_reference>},
        {"exec.finish_once", kIid, "exec.table", "a stream is finished once and given back", &over_streams<source, finishes_once>},
        {"exec.output", kIid, "exec.table", "output, and one document on STATUS", &output_and_status},
        {"exec.input", kIid, "exec.table", "a command ends with its input", &input},
        {"exec.gone_before", kIid, "exec.table", "a listener that has left already is noticed", &over_streams<source, ends_when_gone_before>},
        {"exec.gone_at_each_step", kIid, "exec.table", "one that leaves at any step, too", &over_streams<source, ends_when_gone_at_each_step>},
        {"exec.cancel.closes_once", kIid, "exec.table", "a command ends with its listener, its stream is given back once",
         &over_streams<source, ends_when_listener_leaves>},
        {"exec.backpressure", kIid, "exec.table", "credit is respected and nothing is lost", &over_streams<source, keeps_to_credit>},
        {"exec.failing_writes", kIid, "exec.table", "writes that fail are survived", &over_streams<source, survives_failing_writes>},
        {"exec.throwing_writes", kIid, "exec.table", "writes that throw are survived", &over_streams<source, survives_throwing_writes>},
        {"exec.deadline", kIid, "exec.table", "open ends with its deadline", &over_streams<source, opens_in_time>},
        {"exec.struct_sizes", kIid, "exec.table", "a request of another size is survived", &request_sizes},
        {"exec.leaks", kIid, "exec.table", "streams leave no descriptor and no thread", &over_streams<source, streams_leave_nothing>},
    };
    return all;
}

}  // namespace acp::conformance
