// tls: which certificate answers for a name (RFC 6125 section 6.4).
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace acp::tls {

/// Names of certificates, each with a number of the caller's.
class NameTable {
public:
    /// `name` is a dNSName in lower case: a host, or one with "*" as its whole
    /// first label. Other uses of "*" match nothing and are left out. The
    /// first owner of a name keeps it.
    void add(const std::string& name, std::size_t owner);

    /// The owner of the exact name, else that of the wildcard one label up.
    /// `host` in any case, with or without the root's dot.
    std::optional<std::size_t> find(std::string_view host) const;

private:
    std::map<std::string, std::size_t, std::less<>> owners_;
};

}  // namespace acp::tls
