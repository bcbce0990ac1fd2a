#include "client/runner.h"

namespace acp::client {

namespace {

/// Clouds answer with larger heads than we accept from strangers.
wire::Limits limits() {
    wire::Limits limits;
    limits.header_bytes = 65536;
    return limits;
}

}  // namespace

Runner::Runner()
    : loop_(0, limits()), pools_({loop_, connections_, resolver_}), thread_([this] { loop_.run(); }) {}

Runner::~Runner() {
    loop_.stop();
    thread_.join();
}

Runner& runner() {
    static Runner one;
    return one;
}

}  // namespace acp::client
