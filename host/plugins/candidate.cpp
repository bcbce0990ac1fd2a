#include "plugins/candidate.h"

#include "bundle/source.h"
#include "log/log.h"
#include "plugins/library.h"

namespace acp::plugins {

bundle::Trust trust_of(const Intake& intake) {
    return bundle::load_trust(intake.policy, intake.trust_keys, intake.lock);
}

Candidate judge(const std::filesystem::path& path, const Intake& intake, const bundle::Trust& trust) {
    Candidate found;
    found.path = path;
    if (bundle::form_of(path) == bundle::Form::library) {
        found.library = path;
        found.sha256 = Library::content_of(path);
        found.fault = bundle::refuse_bare(path, trust.policy);
        return found;
    }
    auto opened = bundle::open_bundle(path, trust, intake.store);
    if (opened.was_mended)
        log::warn("plugins", "an entry of the plugin store had been changed and was written anew",
                  {{"path", path.string()}, {"sha256", opened.sha256}});
    found.library = std::move(opened.library);
    found.sha256 = std::move(opened.sha256);
    found.manifest = std::move(opened.manifest);
    found.keys = std::move(opened.keys);
    found.fault = std::move(opened.fault);
    return found;
}

}  // namespace acp::plugins
