#include "identity/roles.h"

#include <algorithm>

#include "identity/claim_values.h"

namespace acp::identity {

namespace {

bool holds(const RoleRule& rule, const json::Object::Ptr& claims) {
    const auto value = claim_at(claims, rule.claim);
    if (!value) return false;
    if (rule.test == RoleRule::Test::equals) return value->isString() && value->extract<std::string>() == rule.value;
    const auto words = words_of(*value);
    return words && std::find(words->begin(), words->end(), rule.value) != words->end();
}

void sort_once(std::vector<std::string>& names) {
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
}

}  // namespace

const RoleTable& default_roles() {
    static const RoleTable table = [] {
        RoleTable roles;
        std::vector<std::string> scopes;
        const auto add = [&](const char* role, std::initializer_list<const char*> more) {
            scopes.insert(scopes.end(), more.begin(), more.end());
            roles.emplace(role, scopes);
        };
        add("viewer", {"read:infrastructure", "read:topology"});
        add("operator", {"manage:infrastructure", "workloads:halt"});
        add("editor", {"manage:agents"});
        add("admin", {"admin:org"});
        add("superadmin", {"admin:cluster", "platform:admin"});
        return roles;
    }();
    return table;
}

const std::vector<std::string>* Roles::scopes_of(std::string_view role) const {
    const auto found = table_.find(role);
    return found == table_.end() ? nullptr : &found->second;
}

Granted Roles::granted(std::string_view issuer, const json::Object::Ptr& claims) const {
    Granted out;
    for (const RoleRule& rule : rules_) {
        if (rule.issuer != issuer || !holds(rule, claims)) continue;
        const auto* scopes = rule.role.empty() ? &rule.scopes : scopes_of(rule.role);
        if (scopes == nullptr) continue;
        out.scopes.insert(out.scopes.end(), scopes->begin(), scopes->end());
        if (!rule.role.empty()) out.roles.push_back(rule.role);
    }
    sort_once(out.roles);
    sort_once(out.scopes);
    return out;
}

}  // namespace acp::identity
