#include "oidc/provider.h"

namespace acp::oidc {

const std::string_view kProvidersSchema = R"({
  "description": "Identity providers that people log in at.",
  "type": "array",
  "minItems": 1,
  "maxItems": 256,
  "items": {
    "type": "object",
    "additionalProperties": false,
    "required": ["id", "issuer", "client_id"],
    "properties": {
      "id": {"description": "What the parameter idp of a login names.", "type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
      "issuer": {"description": "Exactly as the provider's metadata and tokens say it; https, or http on loopback.", "type": "string", "minLength": 1, "maxLength": 1024},
      "kind": {"type": "string", "enum": ["oidc", "entra", "auth0"], "default": "oidc"},
      "client_id": {"type": "string", "minLength": 1, "maxLength": 512},
      "client_secret": {"description": "A secret; or assertion_key.", "type": "string", "minLength": 1, "maxLength": 4096},
      "client_auth": {"description": "How client_secret is sent. By default as the provider's metadata offer it, for entra and auth0 by post.", "type": "string", "enum": ["basic", "post"]},
      "assertion_key": {"description": "Name of a key of the host that signs client assertions (RFC 7523, private_key_jwt); empty: the server's own.", "type": "string", "maxLength": 64},
      "assertion_audience": {"description": "aud of client assertions; by default the issuer, for entra the token endpoint.", "type": "string", "minLength": 1, "maxLength": 1024},
      "scopes": {"description": "openid is one of them.", "type": "array", "minItems": 1, "maxItems": 64, "default": ["openid", "profile", "email"], "items": {"type": "string", "minLength": 1, "maxLength": 256}},
      "audience": {"description": "auth0: audience of the access token; oidc: resource (RFC 8707). entra names it by scopes.", "type": "string", "minLength": 1, "maxLength": 1024},
      "acr_values": {"description": "This server's words for classes of authentication, such as high, and the provider's for each. For entra an authentication context such as c1.", "type": "object", "maxProperties": 16, "additionalProperties": {"type": "string", "minLength": 1, "maxLength": 512}},
      "use_par": {"description": "Pushed authorization requests (RFC 9126): where offered, always or never.", "type": "string", "enum": ["auto", "always", "never"], "default": "auto"},
      "ca_file": {"description": "PEM file of the authorities that are trusted instead of the system's.", "type": "string", "maxLength": 4096},
      "other_origins": {"description": "Origins besides the issuer's where its endpoints may be, such as https://oauth2.googleapis.com.", "type": "array", "maxItems": 16, "items": {"type": "string", "maxLength": 512}}
    }
  }
})";

}  // namespace acp::oidc
