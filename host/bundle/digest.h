// bundle: SHA-256 of bytes that come in pieces.
#pragma once

#include <openssl/evp.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace acp::bundle {

class Digest {
public:
    Digest() : context_(EVP_MD_CTX_new()) {
        if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) std::abort();
    }
    void add(std::string_view bytes) {
        if (EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1) std::abort();
    }
    /// In lower-case hex, once.
    std::string take() {
        Sha256 out{};
        if (EVP_DigestFinal_ex(context_.get(), out.data(), nullptr) != 1) std::abort();
        return hex({reinterpret_cast<const char*>(out.data()), out.size()});
    }

private:
    struct Free {
        void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
    };
    std::unique_ptr<EVP_MD_CTX, Free> context_;
};

}  // namespace acp::bundle
