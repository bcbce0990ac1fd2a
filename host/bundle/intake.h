// bundle: takes the bytes of a bundle in, and holds every one of them against
// the manifest.
#pragma once

#include <optional>
#include <set>

#include "bundle/digest.h"
#include "bundle/manifest.h"
#include "bundle/source.h"
#include "bundle/store.h"

namespace acp::bundle {

/// Which files a bundle has, against its manifest: none too many, none missing,
/// each of its size. Bytes are not looked at.
Checked<void> judge_files(const Subject& subject, const Manifest& manifest, const std::vector<Entry>& entries);

/// Hashes while it takes; with a draft it also keeps. All arguments outlive it.
class Intake : public Taker {
public:
    /// `sha256` is the digest that manifest.yaml must have: the one that was judged.
    Intake(const Subject& subject, const Manifest& manifest, const std::string& sha256, Draft* draft)
        : subject_(subject), manifest_(manifest), sha256_(sha256), draft_(draft) {}

    Checked<bool> begin(const Entry& entry) override;
    Checked<void> take(std::string_view bytes) override;
    Checked<void> end() override;
    /// After the last file: whether every file of the manifest came.
    Checked<void> finish() const;

private:
    tl::unexpected<Fault> unwritable(const Error& error) const;

    const Subject& subject_;
    const Manifest& manifest_;
    const std::string& sha256_;
    Draft* draft_;
    std::set<std::string> done_;
    // Of the file under way:
    std::string name_;
    std::string wanted_;
    std::int64_t size_ = -1;  ///< wanted; -1: any
    std::int64_t taken_ = 0;
    std::optional<Digest> digest_;
};

}  // namespace acp::bundle
