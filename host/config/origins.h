// config: where each value was written, and what is wrong with it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace acp::config {

struct Origin {
    std::string source;  ///< a file, "environment variable NAME" or "option --NAME"
    int line = 0;        ///< from 1; 0 when the source has no lines
    int column = 0;

    /// "file:line:column", or the source alone.
    std::string text() const;
    bool operator==(const Origin&) const = default;
};

/// The origin of each value, by its JSON pointer.
class Origins {
public:
    void set(std::string pointer, Origin origin) { origins_.insert_or_assign(std::move(pointer), std::move(origin)); }
    /// Forgets `pointer` and everything below it.
    void erase(std::string_view pointer);
    /// The origin of the value, or of the nearest value around it: what is
    /// missing belongs to the map that lacks it.
    Origin at(std::string_view pointer) const;
    bool operator==(const Origins&) const = default;

private:
    std::map<std::string, Origin, std::less<>> origins_;
};

/// The message "file:line:column: key a.b: what", which stands alone, with the
/// pointer "file:line:a.b".
Violation locate(const Origin& origin, std::string_view pointer, std::string_view what);

}  // namespace acp::config
