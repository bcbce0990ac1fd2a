#include "auth/counters.h"

namespace acp::auth {

std::string_view name_of(identity::ClientAuth method) noexcept {
    using identity::ClientAuth;
    switch (method) {
        case ClientAuth::none:
            return "none";
        case ClientAuth::client_secret_basic:
            return "client_secret_basic";
        case ClientAuth::client_secret_post:
            return "client_secret_post";
        case ClientAuth::private_key_jwt:
            return "private_key_jwt";
        case ClientAuth::tls_client_auth:
            return "tls_client_auth";
        case ClientAuth::jwt_svid:
            return "jwt_svid";
        case ClientAuth::kubernetes:
            return "kubernetes";
    }
    return "";
}

}  // namespace acp::auth
