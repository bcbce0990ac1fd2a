#include "check.h"
namespace acp::conformance {
const std::vector<Check>& routes_load_checks() {
    static const std::vector<Check> all;
    return all;
}
}
