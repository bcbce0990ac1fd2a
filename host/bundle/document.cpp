#include "bundle/document.h"

#include "base/bytes.h"
#include "bundle/refusal.h"
#include "config/check.h"

namespace acp::bundle {

namespace {

constexpr std::size_t most_path = 4096;
constexpr std::size_t most_detail = 1000;

}  // namespace

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

std::string shown(std::string_view text, std::size_t most) {
    if (text.empty()) return "nothing";
    std::string out = repair_utf8(text.substr(0, most));
    for (std::size_t i = 0; i < out.size(); ++i) {
        const auto c = static_cast<unsigned char>(out[i]);
        if (c < 0x20 || c == 0x7f) out[i] = '?';
        // U+0080 to U+009F, which terminals obey as well.
        if (c == 0xc2 && i + 1 < out.size() && static_cast<unsigned char>(out[i + 1]) < 0xa0) out.replace(i, 2, "?");
    }
    if (text.size() > most) out += "...";
    return out;
}

tl::unexpected<Fault> Subject::refuse(std::string stage, std::string_view what, std::string expected, std::string found,
                                      std::string remedy) const {
    std::string message = "bundle " + shown(path.string(), most_path);
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
        found += (i == 0 ? "" : "; ") + shown(error.violations[i].detail, most_detail);
    if (error.violations.size() > most) found += "; and " + std::to_string(error.violations.size() - most) + " more";
    return refuse(std::move(stage), shown(error.message, most_detail), std::move(expected),
                  found.empty() ? shown(error.message, most_detail) : found, std::move(remedy));
}

}  // namespace acp::bundle
