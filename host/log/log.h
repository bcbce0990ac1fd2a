// log: structured log lines on standard error, through Poco's logging so that
// the library's own messages take the same way. Everything is redacted last.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace acp::log {

enum class Level { trace, debug, info, warn, error };
enum class Format { json, text };

using Field = std::pair<std::string_view, std::string>;
using Redact = std::function<std::string(std::string_view)>;

/// Before threads start. `redact` is applied to messages and field values.
void configure(Level level, Format format, Redact redact);
bool enabled(Level level) noexcept;
/// [any-thread]
void set_level(Level level);

/// `component` names the room or plugin, `message` is a fixed sentence and
/// what varies goes into fields. [any-thread]
void write(Level level, std::string_view component, std::string_view message, std::initializer_list<Field> fields = {});

inline void debug(std::string_view component, std::string_view message, std::initializer_list<Field> fields = {}) {
    if (enabled(Level::debug)) write(Level::debug, component, message, fields);
}
inline void info(std::string_view component, std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::info, component, message, fields);
}
inline void warn(std::string_view component, std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::warn, component, message, fields);
}
inline void error(std::string_view component, std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::error, component, message, fields);
}

}  // namespace acp::log
