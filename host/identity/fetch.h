// identity: documents that other issuers publish: metadata and key sets.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"

namespace acp::identity {

/// The body of a GET of `url`; https is checked by the PEM file `ca_file`, or by
/// the system's store when that is empty.
using Fetch = std::function<Result<std::string>(const std::string& url, const std::string& ca_file)>;

/// At most 256 KiB in at most 5 s, status 200 only, redirects are not followed.
/// Errors name host and cause: Code::not_found for 404, else as client::exchange,
/// or provider_error for other statuses. [any-thread] [may-block]
Result<std::string> fetch_document(const std::string& url, const std::string& ca_file);

/// Whether keys may come from there: https, or http on loopback for an issuer
/// that is such itself, since nobody else can then stand in between.
Result<void> check_key_url(const std::string& url, const std::string& issuer);

}  // namespace acp::identity
