#include "log/log.h"

#include <unistd.h>

#include <atomic>

#include <Poco/Channel.h>
#include <Poco/Logger.h>
#include <Poco/Message.h>

#include "base/clock.h"
#include "json/json.h"

namespace acp::log {

namespace {

std::atomic<Level> threshold{Level::info};
Format line_format = Format::text;
Redact redactor;

std::string clean(std::string_view text) { return redactor ? redactor(text) : std::string(text); }

Poco::Message::Priority priority_of(Level level) noexcept {
    switch (level) {
        case Level::trace: return Poco::Message::PRIO_TRACE;
        case Level::debug: return Poco::Message::PRIO_DEBUG;
        case Level::info: return Poco::Message::PRIO_INFORMATION;
        case Level::warn: return Poco::Message::PRIO_WARNING;
        case Level::error: return Poco::Message::PRIO_ERROR;
    }
    return Poco::Message::PRIO_INFORMATION;
}

std::string_view name_of(Poco::Message::Priority priority) noexcept {
    if (priority <= Poco::Message::PRIO_ERROR) return "error";
    if (priority == Poco::Message::PRIO_WARNING) return "warn";
    if (priority <= Poco::Message::PRIO_INFORMATION) return "info";
    return priority == Poco::Message::PRIO_DEBUG ? "debug" : "trace";
}

/// Poco's message cannot list its parameters, so the fields travel in one, already rendered.
const std::string kFields = "fields";

/// One write call per line, so that lines of several threads never mix.
class LineChannel : public Poco::Channel {
public:
    void log(const Poco::Message& message) override {
        std::string line = line_format == Format::json ? as_json(message) : as_text(message);
        line += '\n';
        const char* at = line.data();
        std::size_t left = line.size();
        while (left > 0) {
            ssize_t n = ::write(STDERR_FILENO, at, left);
            if (n <= 0) return;  // nowhere left to complain to
            at += n;
            left -= static_cast<std::size_t>(n);
        }
    }

private:
    static std::string as_json(const Poco::Message& message) {
        std::string out = R"({"time":")" + rfc3339_ms(unix_ms()) + R"(","level":")";
        out += name_of(message.getPriority());
        out += R"(","component":)" + json::quoted(message.getSource());
        out += R"(,"message":)" + json::quoted(clean(message.getText()));
        return out + message.get(kFields, "") + "}";
    }
    static std::string as_text(const Poco::Message& message) {
        std::string out = rfc3339_ms(unix_ms()) + " ";
        out += name_of(message.getPriority());
        out += " " + flat(message.getSource()) + ": " + flat(clean(message.getText()));
        return out + message.get(kFields, "");
    }
    /// A message must not forge a second line.
    static std::string flat(std::string text) {
        for (char& c : text)
            if (static_cast<unsigned char>(c) < 0x20) c = ' ';
        return text;
    }
};

}  // namespace

void configure(Level level, Format format, Redact redact) {
    line_format = format;
    redactor = std::move(redact);
    Poco::Logger& root = Poco::Logger::root();
    root.setChannel(new LineChannel);
    Poco::Logger::setChannel("", root.getChannel());
    set_level(level);
}

void set_level(Level level) {
    threshold = level;
    Poco::Logger::root().setLevel(priority_of(level));
    Poco::Logger::setLevel("", priority_of(level));
}

bool enabled(Level level) noexcept { return level >= threshold.load(std::memory_order_relaxed); }

void write(Level level, std::string_view component, std::string_view message, std::initializer_list<Field> fields) {
    if (!enabled(level)) return;
    Poco::Message line(std::string(component), std::string(message), priority_of(level));
    std::string rendered;
    for (const auto& [name, value] : fields) {
        if (line_format == Format::json)
            rendered += "," + json::quoted(name) + ":" + json::quoted(clean(value));
        else
            rendered += " " + std::string(name) + "=" + json::quoted(clean(value));
    }
    if (!rendered.empty()) line.set(kFields, rendered);
    Poco::Logger::root().log(line);
}

}  // namespace acp::log
