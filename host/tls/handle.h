// tls: owners of what OpenSSL hands out.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <memory>

#include "base/free_with.h"

namespace acp::tls {

using acp::FreeWith;

using SslPtr = std::unique_ptr<SSL, FreeWith<SSL_free>>;
using ContextPtr = std::unique_ptr<SSL_CTX, FreeWith<SSL_CTX_free>>;
using CertificatePtr = std::unique_ptr<X509, FreeWith<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using StorePtr = std::unique_ptr<X509_STORE, FreeWith<X509_STORE_free>>;
using BioPtr = std::unique_ptr<BIO, FreeWith<BIO_free_all>>;

}  // namespace acp::tls
