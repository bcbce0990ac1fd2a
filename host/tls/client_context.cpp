#include "tls/client_context.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <utility>

#include "tls/certificate.h"
#include "tls/error.h"

namespace acp::tls {

namespace {

tl::unexpected<Error> unavailable() {
    return fail(Code::internal, "tls_unavailable", "no TLS connection can be made: " + drain_errors());
}

bool is_ip_address(const std::string& text) {
    unsigned char bytes[sizeof(in6_addr)];
    return ::inet_pton(AF_INET, text.c_str(), bytes) == 1 || ::inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

/// A host name in ASCII. OpenSSL would take one that begins with a dot as any
/// host below it.
bool is_host_name(std::string_view text) {
    if (text.empty() || text.size() > 253 || text.front() == '.' || text.back() == '.') return false;
    if (text.find("..") != std::string_view::npos) return false;
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
               c == '_';
    });
}

/// Where an SSL keeps the SPIFFE ID that it expects.
int slot() {
    static const int index = SSL_get_ex_new_index(
        0, nullptr, nullptr, nullptr,
        [](void*, void* held, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<std::string*>(held); });
    return index;
}

/// Called for each certificate, the server's own last; nothing that was found
/// bad is made good here.
int on_verify(int is_good, X509_STORE_CTX* verifying) {
    if (is_good != 1 || X509_STORE_CTX_get_error_depth(verifying) != 0) return is_good;
    auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(verifying, SSL_get_ex_data_X509_STORE_CTX_idx()));
    const auto* expected = static_cast<const std::string*>(SSL_get_ex_data(ssl, slot()));
    auto shown = spiffe_id(X509_STORE_CTX_get_current_cert(verifying));
    if (expected != nullptr && shown && *shown == *expected) return 1;
    X509_STORE_CTX_set_error(verifying, X509_V_ERR_APPLICATION_VERIFICATION);
    return 0;
}

}  // namespace

Result<std::shared_ptr<const ClientContext>> ClientContext::load(const ClientOptions& options) {
    auto context = new_context(TLS_client_method(), options.min_version);
    if (!context) return fail(context.error());
    std::shared_ptr<ClientContext> out(new ClientContext());
    out->context_ = std::move(*context);
    SSL_CTX* own = out->context_.get();

    std::vector<Violation> violations;
    std::vector<CertificatePtr> anchors;
    for (std::size_t i = 0; i < options.ca_files.size(); ++i)
        add_anchors(SSL_CTX_get_cert_store(own), options.ca_files[i], "/ca_files/" + std::to_string(i), anchors,
                    violations, out->warnings_);
    std::optional<LoadedPair> pair;
    if (options.certificate)
        pair = load_pair(*options.certificate, Role::client, "/certificate", violations, out->warnings_);
    if (!violations.empty()) return refuse_files(std::move(violations));
    if (pair)
        if (auto used = use_pair(own, *pair); !used)
            return refuse_files({{"/certificate/certificate", used.error().message}});

    if (options.ca_files.empty() && SSL_CTX_set_default_verify_paths(own) != 1) return unavailable();
    SSL_CTX_set_verify(own, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_session_cache_mode(own, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(own, SSL_OP_NO_TICKET);
    auto alpn = alpn_list(options.alpn);
    if (!alpn) return fail(alpn.error());
    // This one returns 0 for success.
    if (!alpn->empty() && SSL_CTX_set_alpn_protos(own, reinterpret_cast<const unsigned char*>(alpn->data()),
                                                  static_cast<unsigned int>(alpn->size())) != 0)
        return unavailable();
    return out;
}

Result<SslPtr> ClientContext::connection(const std::string& server_name) const {
    ERR_clear_error();
    SslPtr ssl(SSL_new(context_.get()));
    if (!ssl) return unavailable();
    if (!server_name.empty() && SSL_set_tlsext_host_name(ssl.get(), server_name.c_str()) != 1) return unavailable();
    SSL_set_connect_state(ssl.get());
    return ssl;
}

Result<SslPtr> ClientContext::to_host(const std::string& host) const {
    std::string name = host;
    if (name.size() > 2 && name.front() == '[' && name.back() == ']') name = name.substr(1, name.size() - 2);
    bool is_ip = is_ip_address(name);
    if (!is_ip && name.ends_with('.')) name.pop_back();
    if (!is_ip && !is_host_name(name))
        return fail(Code::invalid, "tls_server_name",
                    "the server to connect to is neither a host name nor an IP address; write host names in ASCII");
    // RFC 6066 section 3: no addresses in SNI.
    auto ssl = connection(is_ip ? "" : name);
    if (!ssl) return ssl;
    X509_VERIFY_PARAM* check = SSL_get0_param(ssl->get());
    X509_VERIFY_PARAM_set_hostflags(check, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    int set = is_ip ? X509_VERIFY_PARAM_set1_ip_asc(check, name.c_str())
                    : X509_VERIFY_PARAM_set1_host(check, name.c_str(), name.size());
    if (set != 1) return unavailable();
    return ssl;
}

Result<SslPtr> ClientContext::to_workload(const std::string& id, const std::string& server_name) const {
    if (!is_spiffe_id(id))
        return fail(Code::invalid, "tls_spiffe_id",
                    "the expected identity is no SPIFFE ID; write spiffe://trust-domain/path");
    if (!server_name.empty() && !is_host_name(server_name))
        return fail(Code::invalid, "tls_server_name", "the name to send as SNI is no host name");
    auto ssl = connection(server_name);
    if (!ssl) return ssl;
    auto expected = std::make_unique<std::string>(id);
    if (SSL_set_ex_data(ssl->get(), slot(), expected.get()) != 1) return unavailable();
    static_cast<void>(expected.release());
    SSL_set_verify(ssl->get(), SSL_VERIFY_PEER, on_verify);
    return ssl;
}

}  // namespace acp::tls
