// auth: the few pages that a person sees. No script, no foreign content; all that
// a flow fills in is escaped.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "http/response.h"
#include "json/json.h"

namespace acp::auth {

/// `text` for HTML content and quoted attributes.
std::string html_escaped(std::string_view text);

/// The page `name` of alphaswarm-cp/ext/auth_flow.h with its members in `fill`; forms carry
/// `csrf_token`. Code::internal for a page that there is not, or a form whose action is not
/// a path below /auth.
Result<http::Response> page(int status, const std::string& name, const json::Object::Ptr& fill, const std::string& csrf_token);

/// A page with a heading and a sentence.
http::Response message_page(int status, std::string_view title, std::string_view text);

}  // namespace acp::auth
