#include "manage/openapi.h"

#include <algorithm>

#include "embed/openapi_document.h"

namespace acp::manage {

namespace {

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return text;
}

tl::unexpected<Error> disagree(const std::string& what) {
    return fail(Code::internal, "openapi_disagrees", "the routes and the OpenAPI document disagree: " + what);
}

}  // namespace

Result<OpenApi> OpenApi::load() {
    auto document = json::parse_object(embed::openapi_document(), {64, 4U << 20});
    if (!document) return fail(document.error());
    OpenApi api;
    api.document_ = *document;
    return api;
}

Result<void> OpenApi::add_operation(const std::string& method, const std::string& path, const json::Object::Ptr& operation) {
    auto paths = document_->getObject("paths");
    if (!paths->has(path)) paths->set(path, json::object());
    auto item = paths->getObject(path);
    if (item->has(lower(method))) return disagree(method + " " + path + " is there twice");
    item->set(lower(method), operation);
    return {};
}

Result<void> OpenApi::mount(dispatch::Router& router, dispatch::Route route, bool open) {
    const std::string key = route.method + " " + route.pattern;
    auto item = document_->getObject("paths")->getObject(route.pattern);
    auto operation = item ? item->getObject(lower(route.method)) : json::Object::Ptr();
    if (!operation) return disagree(key + " is not in the document");
    if (json::text_or(operation, "operationId") != route.operation_id) return disagree(key + " has another operationId than " + route.operation_id);
    auto scopes = operation->getArray("x-scopes");
    if (!scopes) return disagree(key + " has no x-scopes");
    route.scope = scopes->size() > 0 && !open ? scopes->getElement<std::string>(0) : std::string();
    route.acr = json::text_or(operation, "x-required-acr");
    mounted_.insert(key);
    return router.add(std::move(route));
}

Result<void> OpenApi::check_all_mounted() const {
    auto paths = document_->getObject("paths");
    for (const auto& path : paths->getNames()) {
        auto item = paths->getObject(path);
        for (const auto& method : item->getNames()) {
            std::string upper = method;
            std::transform(upper.begin(), upper.end(), upper.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
            if (!mounted_.contains(upper + " " + path)) return disagree(upper + " " + path + " is in the document, but nothing serves it");
        }
    }
    return {};
}

Result<json::Schema> OpenApi::schema(const std::string& name) const { return json::Schema::compile(document_, "/components/schemas/" + name); }

}  // namespace acp::manage
