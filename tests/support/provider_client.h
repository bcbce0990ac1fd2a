// support: the in-memory host and the provider client that authors get too, by
// the names that tests use.
#pragma once

#include "alphaswarm-cp/conformance/provider_client.hpp"

namespace acp::test {

using conformance::Answer;
using conformance::FakeCall;
using conformance::FakeHost;
using conformance::FakeStream;
using conformance::LoadedPlugin;
using conformance::LogLine;
using conformance::ProviderClient;
using conformance::short_pause;
using conformance::wait_until;

}  // namespace acp::test
