#include "tls/name_table.h"

namespace acp::tls {

void NameTable::add(const std::string& name, std::size_t owner) {
    std::string_view fixed = name;
    if (fixed.starts_with("*.")) fixed.remove_prefix(2);
    if (fixed.empty() || fixed.find('*') != std::string_view::npos) return;
    owners_.emplace(name, owner);
}

std::optional<std::size_t> NameTable::find(std::string_view host) const {
    std::string name(host);
    for (char& c : name)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (name.ends_with('.')) name.pop_back();
    // A client that sends "*" itself asks for no host.
    if (name.find('*') != std::string::npos) return {};
    if (auto exact = owners_.find(name); exact != owners_.end()) return exact->second;
    auto dot = name.find('.');
    if (dot == std::string::npos || dot == 0) return {};
    auto wildcard = owners_.find("*" + name.substr(dot));
    if (wildcard == owners_.end()) return {};
    return wildcard->second;
}

}  // namespace acp::tls
