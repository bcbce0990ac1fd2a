#include "bundle/document.h"

#include "base/bytes.h"
#include "bundle/refusal.h"
#include "config/check.h"

namespace acp::bundle {

json::Schema embedded_schema(std::string_view text) {
    // Part of the binary, and compiled by the tests.
    return json::Schema::compile(*json::parse(text)).value();
}

config::Document read_document(std::string_view text, const std::string& source, const json::Schema& schema) {
    config::Document document;
    document.value = config::read_plain_text(text, source, document);
    if (document.unread.count("") > 0) return document;
    if (document.value.isEmpty())
        document.violations.push_back(config::locate({source, 1, 1}, "", "the file is empty"));
    else
        config::check_shape(document, schema);
    return document;
}

tl::unexpected<Error> mistakes(const std::string& slug, const std::string& what, config::Document document) {
    Error error;
    error.code = Code::invalid;
    error.slug = slug;
    const auto count = document.violations.size();
    error.message = what + " has " + (count == 1 ? "a mistake" : std::to_string(count) + " mistakes");
    error.violations = std::move(document.violations);
    return fail(std::move(error));
}

std::string shown(std::string_view text) {
    constexpr std::size_t most = 200;
    std::string out = repair_utf8(text.substr(0, most));
    for (char& c : out)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    if (text.size() > most) out += "...";
    return out;
}

tl::unexpected<Fault> Subject::refuse(std::string stage, std::string_view what, std::string expected, std::string found,
                                      std::string remedy) const {
    std::string message = "bundle " + shown(path.string());
    if (!id.empty()) message += " (" + id + ")";
    message.append(": ").append(what);
    return tl::unexpected(
        Fault{std::move(stage), std::move(message), std::move(expected), std::move(found), std::move(remedy)});
}

tl::unexpected<Fault> Subject::refuse(std::string stage, const Error& error, std::string expected,
                                      std::string remedy) const {
    constexpr std::size_t most = 3;
    std::string found;
    for (std::size_t i = 0; i < error.violations.size() && i < most; ++i)
        found += (i == 0 ? "" : "; ") + error.violations[i].detail;
    if (error.violations.size() > most) found += "; and " + std::to_string(error.violations.size() - most) + " more";
    return refuse(std::move(stage), error.message, std::move(expected), found.empty() ? error.message : found,
                  std::move(remedy));
}

}  // namespace acp::bundle
