// app: requests and events between `plugin validate` and its child, one JSON
// object a line. Both ends are the same binary.
#pragma once

#include <string>

#include "alphaswarm-cp/conformance/suite.hpp"
#include "base/result.h"
#include "json/json.h"

namespace acp::app {

std::string request_line(const conformance::Options& options);
Result<conformance::Options> parse_request(const std::string& line);

struct Event {
    enum class Kind { none, start, result, error, end };
    Kind kind = Kind::none;
    std::string id;              ///< of a start; of an error its text
    conformance::Result result;
};
std::string start_line(const std::string& id);
std::string result_line(const conformance::Result& result);
std::string error_line(const std::string& message);
std::string end_line();
/// A line that makes no sense is Kind::none.
Event parse_event(const std::string& line);

/// A verdict as it appears in the report, too.
json::Object::Ptr result_json(const conformance::Result& result);

}  // namespace acp::app
