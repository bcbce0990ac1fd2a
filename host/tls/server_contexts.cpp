#include "tls/server_contexts.h"

#include <openssl/err.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/bytes.h"
#include "tls/error.h"
#include "tls/name_table.h"

namespace acp::tls {

namespace {

/// Indexes of the pairs that serve a name together, one of each kind of key.
using Group = std::set<std::size_t>;

/// What the callbacks of a context need. The context owns it, so that it lives
/// as long as any connection.
struct Behind {
    std::string alpn;  ///< as on the wire
    NameTable names;   ///< to indexes of `others`; `own` is this context
    std::vector<ContextPtr> others;
};
constexpr std::size_t own = static_cast<std::size_t>(-1);

int slot() {
    static const int index = SSL_CTX_get_ex_new_index(
        0, nullptr, nullptr, nullptr,
        [](void*, void* held, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<Behind*>(held); });
    return index;
}

int on_server_name(SSL* ssl, int*, void* first) {
    const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
    auto* here = static_cast<Behind*>(first);
    auto found = here->names.find(name);
    // RFC 6066 section 3 lets a server go on with another name; the client
    // decides whether it takes the certificate.
    if (!found) return SSL_TLSEXT_ERR_NOACK;
    if (*found != own) SSL_set_SSL_CTX(ssl, here->others[*found].get());
    return SSL_TLSEXT_ERR_OK;
}

int on_alpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
            unsigned int offered_size, void* here) {
    const std::string& wanted = static_cast<Behind*>(here)->alpn;
    unsigned char* chosen = nullptr;
    int found = SSL_select_next_proto(&chosen, out_size, reinterpret_cast<const unsigned char*>(wanted.data()),
                                      static_cast<unsigned int>(wanted.size()), offered, offered_size);
    // RFC 7301 section 3.2: no_application_protocol, which is what a fatal
    // answer here sends.
    if (found != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/// The pairs for each name: of each kind of key the first.
std::map<std::string, Group> group_by_name(const std::vector<LoadedPair>& pairs) {
    std::map<std::string, std::map<std::string, std::size_t>> by_kind;
    for (std::size_t i = 0; i < pairs.size(); ++i)
        for (const auto& name : pairs[i].info.dns_names) by_kind[name].emplace(kind_of(pairs[i]), i);
    std::map<std::string, Group> out;
    for (const auto& [name, kinds] : by_kind)
        for (const auto& kind : kinds) out[name].insert(kind.second);
    return out;
}

class Loader {
public:
    Loader(const ServerOptions& options, std::shared_ptr<TicketKeys> tickets)
        : options_(options), tickets_(std::move(tickets)) {}

    Result<ContextPtr> run() {
        read_files();
        if (!violations_.empty()) return refuse_files(std::move(violations_));
        auto alpn = alpn_list(options_.alpn);
        if (!alpn) return fail(alpn.error());
        alpn_ = std::move(*alpn);
        return make_contexts();
    }

    std::vector<LoadedPair> pairs;
    std::vector<std::string> warnings;

    /// Binds a ticket to the way its client was authenticated: one that was
    /// issued under other rules or other CAs leads to a full handshake.
    std::string session_scope() const {
        std::string text = "acp-tls client auth " + std::to_string(static_cast<int>(options_.client_auth));
        for (const auto& anchor : anchors_) text += '\n' + describe(anchor.get()).sha256;
        Sha256 digest = sha256(text);
        static_assert(sizeof digest <= SSL_MAX_SID_CTX_LENGTH);
        return {reinterpret_cast<const char*>(digest.data()), digest.size()};
    }

    std::string fingerprint() const {
        std::string text = session_scope() + alpn_ + std::to_string(static_cast<int>(options_.min_version));
        for (const auto& pair : pairs) {
            text += '\n';
            for (const auto& certificate : pair.chain) text += describe(certificate.get()).sha256;
        }
        return sha256_hex(text);
    }

private:
    void read_files() {
        if (options_.certificates.empty())
            violations_.push_back({"/certificates", "no certificate is named; name at least one with its key"});
        for (std::size_t i = 0; i < options_.certificates.size(); ++i)
            if (auto pair = load_pair(options_.certificates[i], Role::server, "/certificates/" + std::to_string(i),
                                      violations_, warnings))
                pairs.push_back(std::move(*pair));
        if (options_.client_auth == ClientAuth::none) return;
        if (options_.client_ca_file.empty()) {
            violations_.push_back({"/client_ca", "clients' certificates are to be checked, but no CA file is named"});
            return;
        }
        anchors_store_.reset(X509_STORE_new());
        add_anchors(anchors_store_.get(), options_.client_ca_file, "/client_ca", anchors_, violations_, warnings);
    }

    Result<ContextPtr> make_contexts() {
        auto names = group_by_name(pairs);
        // The first certificate answers for names that nobody has, together
        // with what serves its first name.
        Group first{0};
        if (const auto& served = pairs.front().info.dns_names; !served.empty()) first = names.at(served.front());
        auto initial = make_context(first);
        if (!initial) return initial;

        auto* here = static_cast<Behind*>(SSL_CTX_get_ex_data(initial->get(), slot()));
        // On this context alone: when a client must say hello twice, OpenSSL
        // asks the chosen context first, and then this one again.
        SSL_CTX_set_tlsext_servername_callback(initial->get(), on_server_name);
        SSL_CTX_set_tlsext_servername_arg(initial->get(), here);
        std::map<Group, std::size_t> made{{first, own}};
        Group used = first;
        for (const auto& [name, group] : names) {
            used.insert(group.begin(), group.end());
            auto known = made.find(group);
            if (known == made.end()) {
                auto context = make_context(group);
                if (!context) return context;
                known = made.emplace(group, here->others.size()).first;
                here->others.push_back(std::move(*context));
            }
            here->names.add(name, known->second);
        }
        for (std::size_t i = 0; i < pairs.size(); ++i)
            if (!used.contains(i)) warn_of_unused(pairs[i].info);
        return initial;
    }

    void warn_of_unused(const CertificateInfo& info) {
        warnings.push_back("certificate file " + info.file + " is never used: " +
                           (info.dns_names.empty() ? "it has no DNS name to be chosen by and is not the first"
                                                   : "earlier ones have all its names with the same kind of key") +
                           "; remove it or put it first");
    }

    Result<ContextPtr> make_context(const Group& group) {
        auto made = new_context(TLS_server_method(), options_.min_version);
        if (!made) return made;
        SSL_CTX* context = made->get();
        SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
        for (std::size_t index : group)
            if (auto used = use_pair(context, pairs[index]); !used) {
                Violation violation{"/certificates/" + std::to_string(index) + "/certificate", used.error().message};
                return refuse_files({std::move(violation)});
            }

        auto state = std::make_unique<Behind>();
        state->alpn = alpn_;
        bool ready = SSL_CTX_set_ex_data(context, slot(), state.get()) == 1;
        if (ready && !alpn_.empty()) SSL_CTX_set_alpn_select_cb(context, on_alpn, state.get());
        if (ready) static_cast<void>(state.release());

        // Tickets carry the whole session, so the server remembers none. Early
        // data can be replayed (RFC 8446 section 8): off.
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
        std::string scope = session_scope();
        ready = ready && SSL_CTX_set_max_early_data(context, 0) == 1 &&
                SSL_CTX_set_recv_max_early_data(context, 0) == 1 && TicketKeys::install(tickets_, context) &&
                SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>(scope.data()),
                                               static_cast<unsigned int>(scope.size())) == 1;
        ready = ready && ask_clients(context);
        if (!ready) return fail(Code::internal, "tls_unavailable", "OpenSSL cannot be set up: " + drain_errors());
        return made;
    }

    bool ask_clients(SSL_CTX* context) {
        if (options_.client_auth == ClientAuth::none) return true;
        int mode = SSL_VERIFY_PEER;
        if (options_.client_auth == ClientAuth::required) mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
        SSL_CTX_set_verify(context, mode, nullptr);
        // The names in the request let a client choose the right certificate.
        for (const auto& anchor : anchors_)
            if (SSL_CTX_add_client_CA(context, anchor.get()) != 1) return false;
        SSL_CTX_set1_cert_store(context, anchors_store_.get());
        return true;
    }

    const ServerOptions& options_;
    std::shared_ptr<TicketKeys> tickets_;
    std::string alpn_;
    StorePtr anchors_store_;
    std::vector<CertificatePtr> anchors_;
    std::vector<Violation> violations_;
};

}  // namespace

Result<std::shared_ptr<const ServerContexts>> ServerContexts::load(const ServerOptions& options,
                                                                   std::shared_ptr<TicketKeys> tickets) {
    Loader loader(options, std::move(tickets));
    auto initial = loader.run();
    if (!initial) return fail(initial.error());
    std::shared_ptr<ServerContexts> out(new ServerContexts());
    out->initial_ = std::move(*initial);
    for (const auto& pair : loader.pairs) out->certificates_.push_back(pair.info);
    out->warnings_ = std::move(loader.warnings);
    out->fingerprint_ = loader.fingerprint();
    return out;
}

Result<SslPtr> ServerContexts::accept() const {
    ERR_clear_error();
    SslPtr ssl(SSL_new(initial_.get()));
    if (!ssl) return fail(Code::internal, "tls_unavailable", "no TLS connection can be made: " + drain_errors());
    SSL_set_accept_state(ssl.get());
    return ssl;
}

}  // namespace acp::tls
