#include "auth/pages.h"

#include <algorithm>

#include "base/bytes.h"

namespace acp::auth {

namespace {

constexpr std::string_view kStyle =
    "body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:10vh auto;padding:0 1rem;color:#1b1f24}"
    "h1{font-size:1.4rem}input{font:inherit;padding:.5rem;letter-spacing:.15em;text-transform:uppercase}"
    "button{font:inherit;padding:.5rem 1.2rem;margin:.5rem .5rem 0 0}.problem{color:#a40e26}dt{font-weight:600}";

/// CSP wants the digest in base64 (CSP3 section 6.7.3).
std::string style_source() {
    const auto digest = sha256(kStyle);
    std::string text = base64url({reinterpret_cast<const char*>(digest.data()), digest.size()});
    std::replace(text.begin(), text.end(), '-', '+');
    std::replace(text.begin(), text.end(), '_', '/');
    return "'sha256-" + text + "='";
}

http::Response html(int status, std::string_view title, const std::string& content) {
    static const std::string policy =
        "default-src 'none'; style-src " + style_source() + "; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
    http::Response response;
    response.status = status;
    response.content_type = "text/html; charset=utf-8";
    response.body = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>" + html_escaped(title) + "</title><style>" +
                    std::string(kStyle) + "</style></head><body><main><h1>" + html_escaped(title) + "</h1>" + content + "</main></body></html>\n";
    response.field("Content-Security-Policy", policy)
        .field("X-Frame-Options", "DENY")
        .field("X-Content-Type-Options", "nosniff")
        .field("Referrer-Policy", "same-origin")  // with none at all, a form would come with Origin: null (Fetch, "append a request Origin header")
        .field("Cache-Control", "no-store");
    return response;
}

std::string field(std::string_view name, std::string_view value) {
    return "<input type=\"hidden\" name=\"" + html_escaped(name) + "\" value=\"" + html_escaped(value) + "\">";
}

std::string row(std::string_view name, std::string_view value) {
    return value.empty() ? std::string() : "<dt>" + html_escaped(name) + "</dt><dd>" + html_escaped(value) + "</dd>";
}

bool is_own_path(const std::string& path) noexcept {
    return path.starts_with("/auth/") && std::all_of(path.begin(), path.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' || c == '-' || c == '_';
           });
}

tl::unexpected<Error> wrong(std::string why) {
    return fail(Code::internal, "plugin_defect", "an auth flow asked for a page that cannot be shown: " + why);
}

Result<http::Response> device_page(int status, const json::Object::Ptr& fill, const std::string& csrf_token) {
    std::string action = json::text_or(fill, "action");
    if (!action.starts_with("/auth/")) action.insert(0, "/auth");
    if (!is_own_path(action)) return wrong("its action is no path below /auth");
    const std::string step = json::text_or(fill, "step");
    const std::string code = json::text_or(fill, "user_code");
    const std::string problem = json::text_or(fill, "problem");
    std::string content = problem.empty() ? std::string() : "<p class=\"problem\" role=\"alert\">" + html_escaped(problem) + "</p>";
    const std::string form = "<form method=\"post\" action=\"" + html_escaped(action) + "\">" + field("csrf_token", csrf_token);
    if (step == "code") {
        content +=
            form +
            "<p><label for=\"user_code\">Enter the code that your device shows.</label></p>"
            "<input id=\"user_code\" name=\"user_code\" autocomplete=\"off\" autocapitalize=\"characters\" maxlength=\"16\" required value=\"" +
            html_escaped(code) + "\"> <button>Continue</button></form>";
        return html(status, "Connect a device", content);
    }
    if (step != "confirm") return wrong("its step is neither code nor confirm");
    std::string scopes;
    if (auto list = fill->getArray("scopes"))
        for (const auto& scope : *list)
            if (scope.isString()) scopes += "<li>" + html_escaped(scope.extract<std::string>()) + "</li>";
    content += "<dl>" + row("Application", json::text_or(fill, "client_name")) + row("Asked from", json::text_or(fill, "address")) +
               row("Code", code) + "</dl><p>It will be able to do this in your name:</p><ul>" + scopes +
               "</ul><p>Approve only if you started this yourself and the code is the one that your device shows.</p>" + form +
               field("user_code", code) +
               "<button name=\"decision\" value=\"deny\">Deny</button><button name=\"decision\" value=\"approve\">Approve</button></form>";
    return html(status, "Approve a device", content);
}

}  // namespace

std::string html_escaped(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (char c : text) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            case '\'':
                out += "&#39;";
                break;
            default:
                out += c;
        }
    }
    return out;
}

Result<http::Response> page(int status, const std::string& name, const json::Object::Ptr& fill, const std::string& csrf_token) {
    if (name == "device") return device_page(status, fill, csrf_token);
    if (name == "message") return message_page(status, json::text_or(fill, "title"), json::text_or(fill, "text"));
    return wrong("there is no page of this name");
}

http::Response message_page(int status, std::string_view title, std::string_view text) {
    return html(status, title, "<p>" + html_escaped(text) + "</p>");
}

}  // namespace acp::auth
