#include "manage/config_view.h"

#include "json/pointer.h"
#include "redact/spans.h"

namespace acp::manage {

Result<json::Object::Ptr> shown_config(const redact::Redactor& redactor, const std::string& text) {
    auto config = json::parse_object(text, {64, 16U << 20});
    if (!config) return config;
    return redactor.redact(*config).extract<json::Object::Ptr>();
}

Result<void> check_no_placeholder(const json::Object::Ptr& patch) {
    Error e;
    e.code = Code::invalid;
    e.slug = "invalid_body";
    e.message = "the body holds the placeholder of a hidden value; leave the member out to keep its value";
    for (const auto& part : patch->getNames()) {
        const auto members = patch->getObject(part);
        for (const auto& name : members->getNames())
            if (json::text_or(members, name.c_str()).find(redact::kReplacement) != std::string::npos)
                e.violations.push_back({json::child("/" + part, name), "is the placeholder of a hidden value"});
    }
    if (e.violations.empty()) return {};
    return fail(std::move(e));
}

}  // namespace acp::manage
