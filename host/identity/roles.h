// identity: roles, the scopes that each stands for, and who gets which.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "json/json.h"

namespace acp::identity {

/// Role names with their scopes.
using RoleTable = std::map<std::string, std::vector<std::string>, std::less<>>;

/// viewer, operator, editor, admin and superadmin; each may what the one before it may, and more.
const RoleTable& default_roles();

/// Gives a role or scopes to whoever has a claim of an issuer's token.
struct RoleRule {
    enum class Test : std::uint8_t {
        equals,    ///< the claim is this string
        contains,  ///< a list with it, or a string with it among the words
    };
    std::string issuer;  ///< exactly
    std::string claim;   ///< a name, or a JSON pointer
    Test test = Test::equals;
    std::string value;
    std::string role;  ///< or empty, then `scopes`
    std::vector<std::string> scopes;
};

struct Granted {
    std::vector<std::string> roles, scopes;  ///< sorted, each once
};

/// Immutable. [any-thread]
class Roles {
public:
    explicit Roles(RoleTable table = default_roles(), std::vector<RoleRule> rules = {})
        : table_(std::move(table)), rules_(std::move(rules)) {}

    /// Null: no such role.
    const std::vector<std::string>* scopes_of(std::string_view role) const;
    /// What the rules give; nothing unless a rule says so.
    Granted granted(std::string_view issuer, const json::Object::Ptr& claims) const;

private:
    RoleTable table_;
    std::vector<RoleRule> rules_;
};

}  // namespace acp::identity
