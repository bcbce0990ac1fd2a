#include "redact/names.h"

#include <catch2/catch.hpp>

using namespace acp::redact;

TEST_CASE("names of secrets") {
    for (const char* name : {"password",
                             "passwd",
                             "PASSWORD",
                             "DB_PASSWORD",
                             "dbPassword",
                             "db-password",
                             "db.password",
                             "PGPASSWORD",
                             "MYSQL_PWD",
                             "smtp_pass",
                             "secret",
                             "clientSecret",
                             "client_secret",
                             "token",
                             "accessToken",
                             "AUTHTOKEN",
                             "refresh-token",
                             "X-Auth-Token",
                             "key",
                             "api_key",
                             "apiKey",
                             "APIKey",
                             "APIKEY",
                             "access_key",
                             "AWSSecretAccessKey",
                             "signing_key",
                             "account_key",
                             "credential",
                             "credentials",
                             "private",
                             "private_key",
                             "privateKeyPem",
                             "authorization",
                             "Proxy-Authorization",
                             "cookie",
                             "Set-Cookie",
                             "kubeconfig",
                             "jwt",
                             "bearer",
                             "passphrase",
                             "connection_string",
                             "connectionString",
                             "dsn",
                             "token2",
                             "secret_id",
                             "ssh_keys",
                             "api_keys",
                             "registry_auth"}) {
        INFO(name);
        CHECK(is_secret(classify(name)));
    }
}

TEST_CASE("names that only speak of secrets") {
    for (const char* name : {"delete_keys",
                             "secret_name",
                             "secretName",
                             "key_id",
                             "kid",
                             "public_key",
                             "ssh_public_key",
                             "secret_ref",
                             "secret_refs",
                             "secretKeyRef",
                             "env_from_secrets",
                             "token_type",
                             "token_endpoint",
                             "idempotency_key",
                             "primary_key",
                             "partition_key",
                             "keys",
                             "key_count",
                             "token_count",
                             "token_ttl",
                             "password_file",
                             "PWD",
                             "monkey",
                             "keyboard",
                             "author",
                             "authority",
                             "tokenizer",
                             "private_ip",
                             "private_subnet",
                             "compass",
                             "bypass",
                             "passed",
                             "description",
                             "image",
                             "replicas",
                             "",
                             "___",
                             "123",
                             "cookie_name",
                             "rotate_secret",
                             "imagePullSecrets",
                             "authorization_endpoint",
                             "credential_source",
                             "keypath_label",
                             "donkeys"}) {
        INFO(name);
        CHECK_FALSE(is_secret(classify(name)));
    }
    CHECK(classify("secretKeyRef") == NameKind::reference);
}

TEST_CASE("numbers are secret only under a singular secret word") {
    CHECK(classify("password") == NameKind::secret_any);
    CHECK(classify("tokens") == NameKind::secret);
    CHECK(classify("max_token") == NameKind::secret);
}

TEST_CASE("very long names are judged by their first bytes") {
    CHECK(is_secret(classify("password_" + std::string(100000, 'x'))));
    CHECK_FALSE(is_secret(classify(std::string(100000, 'x') + "_password")));
}
