#include "check.h"
namespace acp::conformance {
const std::vector<Check>& logs_checks() {
    static const std::vector<Check> all;
    return all;
}
}
