// manage: the REST interface below /manage. Handlers translate between HTTP
// and the rooms that do the work; they hold no state of their own.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "base/result.h"
#include "dispatch/router.h"
#include "json/json.h"
#include "json/schema.h"

namespace acp::manage {

/// The OpenAPI document is the source of what each operation needs: a route
/// takes its scope from there, and one that the document lacks is refused.
class OpenApi {
public:
    static Result<OpenApi> load();

    /// Adds an operation of a plugin's routes to the document.
    Result<void> add_operation(const std::string& method, const std::string& path, const json::Object::Ptr& operation);
    /// Registers `route` with the scope that the document names for its
    /// method, pattern and operation id; fails when there is none. With `open`
    /// the operator has made the operation public.
    Result<void> mount(dispatch::Router& router, dispatch::Route route, bool open = false);
    /// An operation of the document that nothing serves is a promise not kept.
    Result<void> check_all_mounted() const;

    /// components/schemas/<name>
    Result<json::Schema> schema(const std::string& name) const;
    std::string text() const { return json::dump(document_); }

private:
    json::Object::Ptr document_;
    std::set<std::string> mounted_;
};

}  // namespace acp::manage
