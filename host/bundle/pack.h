// bundle: the vendor's side of archives: files to a manifest and an .acpb.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "bundle/manifest.h"
#include "tls/handle.h"

namespace acp::bundle {

/// What goes into a bundle: its name there, and the file it comes from.
using Contents = std::map<std::string, std::filesystem::path>;

/// Every file of a folder but manifest.yaml and manifest.sig. Refuses links and
/// special files. Blocking.
Result<Contents> contents_of(const std::filesystem::path& folder);

/// Fills in `manifest.files` from the files as they are now. plugin.so and what
/// its owner may run is exec, except the known texts. Blocking.
Result<void> measure(const Contents& contents, Manifest& manifest);

/// Writes the archive: manifest.yaml, manifest.sig if there is a key, and the
/// files; sorted, without times and owners, so that the same contents give the
/// same bytes. What was written is verified before it takes the place of
/// `output`, which ends in .acpb. Gives the SHA-256 of manifest.yaml. Blocking.
Result<std::string> pack(const Contents& contents, const Manifest& manifest, EVP_PKEY* key,
                         const std::filesystem::path& output);

}  // namespace acp::bundle
