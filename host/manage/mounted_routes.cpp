// Routes that plugins bring (acp.http_routes/1), below the mounts the operator gave.
#include <algorithm>

#include "http/problem.h"
#include "log/log.h"
#include "manage/handler.h"
#include "manage/routes.h"

namespace acp::manage {

namespace {

using dispatch::ContextPtr;



/// The plugin's bytes as they are.
class PluginBody final : public http::BodySource {
public:
    explicit PluginBody(stream::Ref stream) : stream_(std::move(stream)) {}
    ~PluginBody() override { stream_->close(ACP_CLOSE_LISTENER); }
    void attach(std::function<void()> wake) override { stream_->attach(std::move(wake)); }
    Pulled pull(std::string& out) override {
        stream::Chunk chunk;
        switch (stream_->pull(chunk)) {
            case stream::Stream::Pulled::empty: return Pulled::empty;
            case stream::Stream::Pulled::chunk: out += chunk.bytes; return Pulled::more;
            case stream::Stream::Pulled::ended: break;
        }
        return stream_->failure() ? Pulled::failed : Pulled::ended;
    }
    void cancel(int reason) override { stream_->close(reason); }

private:
    stream::Ref stream_;
};

/// Fields that a plugin may not set: framing and connection are the host's.
bool is_hosts_field(std::string_view name) {
    for (auto own : {"connection", "content-length", "transfer-encoding", "date", "keep-alive", "upgrade", "x-request-id"})
        if (wire::http1::equals_ci(name, own)) return true;
    return false;
}

/// The first word of the plugin decides on the status, so it is waited for; the
/// stream's wake does the waiting, no thread. Answers once.
class Answer : public std::enable_shared_from_this<Answer> {
public:
    Answer(ContextPtr context, stream::Ref stream) : context_(std::move(context)), stream_(std::move(stream)) {}
    void watch() {
        stream_->attach([self = shared_from_this()] { self->on_word(); });
    }
    void refuse(const Error& error) {
        if (answered_.exchange(true)) return;
        context_->responder.send(context_->problem(error));
        stream_->close(ACP_CLOSE_LISTENER);
    }

private:
    void on_word() {
        if (auto failure = stream_->failure(); failure && !stream_->started()) {
            refuse(*failure);
            return;
        }
        if (answered_.exchange(true)) return;
        auto headers = stream_->response_headers().value_or(stream::Headers{});
        http::Response response;
        response.status = headers.status;
        for (auto& [name, value] : headers.fields)
            if (!is_hosts_field(name)) response.field(name, value);
        response.source = std::make_unique<PluginBody>(stream_);
        context_->responder.send(std::move(response));
    }
    ContextPtr context_;
    stream::Ref stream_;
    std::atomic<bool> answered_{false};
};

plugins::PluginRequest request_of(const dispatch::Context& context, const std::string& operation_id, const std::string& mount) {
    plugins::PluginRequest request;
    request.operation_id = operation_id;
    request.method = context.method;
    request.path = context.path.substr(mount.size());
    request.query = context.raw_query;
    request.body = context.body;
    request.params = context.params;
    request.fields = context.fields;
    return request;
}

void serve(const Services& services, const plugins::RouteInstance& instance, const std::string& mount, const std::string& operation_id, const ContextPtr& context) {
    auto stream = stream::Ref::make({256 * 1024, true});
    auto answer = std::make_shared<Answer>(context, stream);
    const bool taken = services.streams_pool.try_run([&instance, context, stream, answer, operation_id, mount] {
        if (auto handled = instance.handle(read_call(*context), request_of(*context, operation_id, mount), stream); !handled) {
            answer->refuse(handled.error());
            return;
        }
        answer->watch();
    });
    if (!taken) {
        Error e;
        e.code = Code::unavailable;
        e.slug = "overloaded";
        e.message = "too much work is waiting; try again in a moment";
        answer->refuse(e);
    }
}

bool is_pattern(const std::string& pattern) {
    return pattern.size() > 1 && pattern.front() == '/' && pattern.find("//") == std::string::npos && pattern.find("/.") == std::string::npos;
}

json::Object::Ptr operation_of(const plugins::PluginRoute& route, const std::string& alias) {
    auto operation = route.operation_json.empty() ? json::object() : json::parse_object(route.operation_json).value_or(json::object());
    operation->set("operationId", alias + "." + route.operation_id);
    operation->set("summary", route.summary);
    auto scopes = json::array();
    scopes->add(route.scope.empty() ? std::string("admin:cluster") : route.scope);
    operation->set("x-scopes", scopes);
    operation->set("x-required-acr", json::Var());
    if (!operation->has("responses")) operation->set("responses", json::object({{"default", json::object({{"description", "As the plugin answers"}})}}));
    return operation;
}

}  // namespace

Result<void> add_mounted_routes(dispatch::Router& router, OpenApi& api, const Services& services) {
    for (const auto& instance : services.catalogue.routes()) {
        const auto& all = services.catalogue.instances();
        auto record = std::find_if(all.begin(), all.end(), [&](const plugins::Instance& i) { return i.kind == "http_routes" && i.alias == instance->alias(); });
        const std::string mount = record->mount;
        for (const auto& route : instance->routes()) {
            const bool known_method = route.method == "GET" || route.method == "POST" || route.method == "PUT" || route.method == "PATCH" || route.method == "DELETE";
            if (!known_method || !is_pattern(route.pattern)) {
                log::error("manage", "a plugin's route is left out", {{"instance", instance->alias()}, {"method", route.method}, {"pattern", route.pattern}});
                continue;
            }
            const std::string path = mount + route.pattern;
            const auto operation = operation_of(route, instance->alias());
            if (auto added = api.add_operation(route.method, path, operation); !added) return added;
            dispatch::Route mounted{route.method, path, instance->alias() + "." + route.operation_id, {}, dispatch::Body::any, {}, {},
                                    [&services, plugin = instance.get(), mount, id = route.operation_id](const ContextPtr& c) { serve(services, *plugin, mount, id, c); }};
            if (auto added = api.mount(router, std::move(mounted)); !added) return added;
        }
    }
    return {};
}

}  // namespace acp::manage
