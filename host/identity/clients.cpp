#include "identity/clients.h"

#include <algorithm>

namespace acp::identity {

bool Client::uses(ClientAuth method) const noexcept {
    return std::find(methods.begin(), methods.end(), method) != methods.end();
}

bool Client::may_use(std::string_view grant_type) const noexcept {
    return std::find(grants.begin(), grants.end(), grant_type) != grants.end();
}

const Client* Clients::find(std::string_view id) const noexcept {
    const auto found =
        std::find_if(clients_.begin(), clients_.end(), [id](const Client& client) { return client.id == id; });
    return found == clients_.end() ? nullptr : &*found;
}

}  // namespace acp::identity
