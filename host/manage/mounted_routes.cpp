// Routes that plugins bring (acp.http_routes/1), below the mounts the operator gave.
#include <algorithm>
#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "http/problem.h"
#include "log/log.h"
#include "manage/handler.h"
#include "manage/routes.h"

namespace acp::manage {

namespace {

using dispatch::ContextPtr;

/// How often it is checked whether the client still waits for the first word.
constexpr std::int64_t kGoneCheckMs = 1000;

/// What the plugin writes on STDOUT, as it is.
class PluginBody final : public http::BodySource {
public:
    explicit PluginBody(stream::Ref stream) : stream_(std::move(stream)) {}
    ~PluginBody() override { stream_->close(ACP_CLOSE_LISTENER); }
    void attach(std::function<void()> wake) override { stream_->attach(std::move(wake)); }
    Pulled pull(std::string& out) override {
        stream::Chunk chunk;
        switch (stream_->pull(chunk)) {
            case stream::Stream::Pulled::empty: return Pulled::empty;
            case stream::Stream::Pulled::chunk:
                if (chunk.channel == ACP_CHANNEL_STDOUT) out += chunk.bytes;
                return Pulled::more;
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

bool has_content(int status) noexcept { return status != 204 && status != 205 && status != 304; }

/// The first bytes of the plugin fix the status, so they are waited for; the
/// stream's wake does the waiting, no thread. Answers once.
class Answer : public std::enable_shared_from_this<Answer> {
public:
    Answer(ContextPtr context, stream::Ref stream) : context_(std::move(context)), stream_(std::move(stream)) {}
    void watch() {
        stream_->attach([self = shared_from_this()] { self->on_word(); });
        watch_client(weak_from_this());
    }
    /// The call failed. Once bytes are on their way, the answer can only be cut short.
    void refuse(const Error& error) {
        if (answered_.exchange(true)) {
            stream_->finish(error);
            return;
        }
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
        if (has_content(headers.status))
            response.source = std::make_unique<PluginBody>(stream_);
        else
            stream_->close(ACP_CLOSE_FINISHED);
        context_->responder.send(std::move(response));
    }
    /// Until the first word no connection holds the stream: a client that
    /// leaves in that time is noticed here.
    static void watch_client(const std::weak_ptr<Answer>& weak) {
        auto self = weak.lock();
        if (!self || self->answered_) return;
        if (self->context_->responder.gone())
            self->stream_->close(ACP_CLOSE_LISTENER);
        else
            self->context_->responder.after(kGoneCheckMs, [weak] { watch_client(weak); });
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

void serve(const Services& services, const std::string& alias, const std::string& mount, const std::string& operation_id, const ContextPtr& context) {
    const auto instance = services.catalogue.view()->route_instance(alias);  // a reload may have put another in its place
    auto stream = stream::Ref::make({256 * 1024, true});
    auto answer = std::make_shared<Answer>(context, stream);
    const bool taken = services.streams_pool.try_run([instance, context, stream, answer, operation_id, mount] {
        // Watched before the plugin runs: it may write more than the window from within `handle`.
        answer->watch();
        auto handled = instance->handle(read_call(*context), request_of(*context, operation_id, mount), stream);
        if (!handled) answer->refuse(handled.error());
    });
    if (!taken) {
        Error e;
        e.code = Code::unavailable;
        e.slug = "overloaded";
        e.message = "too much work is waiting; try again in a moment";
        answer->refuse(e);
    }
}

bool is_segment(std::string_view segment) {
    if (segment.size() > 2 && segment.front() == '{' && segment.back() == '}') segment = segment.substr(1, segment.size() - 2);
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
    };
    return !segment.empty() && segment.front() != '.' && std::all_of(segment.begin(), segment.end(), allowed);
}

/// Calls `each` with the segments of "/a/{b}": a, {b}.
template <typename Each>
void for_segments(std::string_view pattern, Each each) {
    while (!pattern.empty()) {
        pattern.remove_prefix(1);
        const auto slash = std::min(pattern.find('/'), pattern.size());
        each(pattern.substr(0, slash));
        pattern.remove_prefix(slash);
    }
}

bool is_pattern(const std::string& pattern) {
    if (pattern.empty() || pattern.front() != '/') return false;
    bool fits = true;
    for_segments(pattern, [&](std::string_view segment) { fits = fits && is_segment(segment); });
    return fits;
}

bool is_method(std::string_view method) {
    for (auto known : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
        if (method == known) return true;
    return false;
}

/// Equal for routes that the router cannot tell apart: names in braces do not count.
std::string key_of(const std::string& method, std::string_view path) {
    std::string key = method + " ";
    for_segments(path, [&](std::string_view segment) { key.append("/").append(segment.front() == '{' ? "{}" : segment); });
    return key;
}

json::Array::Ptr path_parameters(const std::string& pattern) {
    auto parameters = json::array();
    for_segments(pattern, [&](std::string_view segment) {
        if (segment.front() != '{') return;
        parameters->add(json::object({{"name", std::string(segment.substr(1, segment.size() - 2))},
                                      {"in", "path"},
                                      {"required", true},
                                      {"schema", json::object({{"type", "string"}})}}));
    });
    return parameters;
}

json::Object::Ptr operation_of(const plugins::PluginRoute& route, const std::string& alias) {
    auto operation = route.operation_json.empty() ? json::object() : json::parse_object(route.operation_json).value_or(json::object());
    operation->set("operationId", alias + "." + route.operation_id);
    operation->set("summary", route.summary);
    auto scopes = json::array();
    scopes->add(route.scope.empty() ? std::string("admin:cluster") : route.scope);
    operation->set("x-scopes", scopes);
    operation->set("x-required-acr", json::Var());
    if (auto parameters = path_parameters(route.pattern); parameters->size() > 0 && !operation->has("parameters")) operation->set("parameters", parameters);
    if (!operation->has("responses")) operation->set("responses", json::object({{"default", json::object({{"description", "As the plugin answers"}})}}));
    return operation;
}

}  // namespace

Result<void> add_mounted_routes(dispatch::Router& router, OpenApi& api, const Services& services) {
    // A plugin's mistake costs its route, not the server.
    std::set<std::string> taken;
    const auto view = services.catalogue.view();
    for (const auto& instance : view->routes) {
        const auto& all = view->instances;
        auto record = std::find_if(all.begin(), all.end(), [&](const plugins::Instance& i) { return i.kind == "http_routes" && i.alias == instance->alias(); });
        const std::string mount = record->mount;
        for (const auto& route : instance->routes()) {
            const std::string path = mount + route.pattern;
            const std::string operation_id = instance->alias() + "." + route.operation_id;
            const char* why = nullptr;
            if (!is_method(route.method)) why = "the method is none of GET, HEAD, POST, PUT, PATCH and DELETE";
            else if (!is_pattern(route.pattern)) why = "the pattern is not of the form /name/{parameter}";
            else if (route.operation_id.empty() || taken.contains(operation_id)) why = "the operation id is missing or not unique";
            else if (taken.contains(key_of(route.method, path))) why = "the method and pattern are taken";
            if (why) {
                log::error("manage", "a plugin's route is left out", {{"instance", instance->alias()}, {"method", route.method}, {"pattern", route.pattern}, {"cause", why}});
                continue;
            }
            taken.insert(operation_id);
            taken.insert(key_of(route.method, path));
            const auto operation = operation_of(route, instance->alias());
            if (auto added = api.add_operation(route.method, path, operation); !added) return added;
            dispatch::Route mounted{route.method, path, operation_id, {}, dispatch::Body::any, {}, {},
                                    [&services, alias = instance->alias(), mount, id = route.operation_id](const ContextPtr& c) { serve(services, alias, mount, id, c); }};
            if (auto added = api.mount(router, std::move(mounted)); !added) return added;
        }
    }
    return {};
}

}  // namespace acp::manage
