// Does the plugin keep what the plugin API promises? Its path is the argument.
#include <iostream>

#include "alphaswarm-cp/conformance/suite.hpp"

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: conformance PLUGIN.so\n";
        return 2;
    }
    acp::conformance::Options options;
    options.plugin_path = argv[1];
    // Failures that are known and meant, each with a reason:
    // options.quirks = {{"provider.list.namespace", "the backend knows no namespaces"}};
    const auto report = acp::conformance::run(options);
    std::cout << report.text();
    return report.conformant() ? 0 : 1;
}
