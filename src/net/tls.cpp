#include "net/tls.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <system_error>
#include <utility>

namespace rollcall::net {
namespace {

constexpr std::string_view kCert = "tls.cert";
constexpr std::string_view kKey = "tls.key";
constexpr std::string_view kClientCa = "tls.client_ca";

// Those of TLS 1.2 that are still sound, which are also those that HTTP/2 allows (RFC 9113, 9.2.2). TLS 1.3 has no
// others.
constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
// Sessions are resumed only by who gave them out.
constexpr std::string_view kSessionContext = "rollcall";

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* thing) const noexcept {
    Free(thing);
  }
};
using File = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;

/// Of the first failure in this thread's queue, which the others follow from.
std::string reason() {
  const auto error = ERR_peek_error();
  ERR_clear_error();
  if (ERR_SYSTEM_ERROR(error)) return std::generic_category().message(ERR_GET_REASON(error));
  const char* text = ERR_reason_error_string(error);
  return text == nullptr ? "unknown reason" : text;
}

std::unexpected<Error> fail_with(std::string_view setting, const std::string& path, std::string_view what) {
  return fail(ErrorCode::invalid, fmt::format("is \"{}\", {} ({})", path, what, reason()), std::string(setting));
}

/// OpenSSL would ask the terminal.
int no_passphrase(char*, int, int, void*) noexcept { return -1; }

/// `chosen` points into `ours`, which outlives the connection.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* theirs,
                    unsigned int theirs_size, void* ours) noexcept {
  const auto& list = *static_cast<const std::string*>(ours);
  unsigned char* found = nullptr;
  const auto outcome = SSL_select_next_proto(&found, size, reinterpret_cast<const unsigned char*>(list.data()),
                                             static_cast<unsigned>(list.size()), theirs, theirs_size);
  *chosen = found;
  return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

void set_rules(SSL_CTX* context, const std::string& protocols) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context, kCiphers);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // Idle connections, of which there are thousands, keep no buffers. What is offered for writing may have moved and
  // grown at the next attempt (Channel::write).
  SSL_CTX_set_mode(context,
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);  // else each record takes two reads
  SSL_CTX_set_default_passwd_cb(context, no_passphrase);
  SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>(kSessionContext.data()),
                                 kSessionContext.size());
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, const_cast<std::string*>(&protocols));
}

Result<void> use_certificate(SSL_CTX* context, const std::string& path) {
  if (SSL_CTX_use_certificate_chain_file(context, path.c_str()) == 1) return {};
  return fail_with(kCert, path, "from which no certificates in PEM can be read");
}

Result<void> use_key(SSL_CTX* context, const TlsFiles& files) {
  const File file(BIO_new_file(files.key.c_str(), "r"));
  if (!file) return fail_with(kKey, files.key, "which can't be read");
  const Key key(PEM_read_bio_PrivateKey(file.get(), nullptr, no_passphrase, nullptr));
  if (!key) return fail_with(kKey, files.key, "which holds no private key in PEM without a passphrase");
  if (X509_check_private_key(SSL_CTX_get0_certificate(context), key.get()) != 1) {
    return fail_with(kKey, files.key, fmt::format("whose key isn't that of the certificate in \"{}\"", files.cert));
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) == 1) return {};
  return fail_with(kKey, files.key, "whose key can't be used");
}

Result<void> ask_clients(SSL_CTX* context, const std::string& path) {
  if (path.empty()) return {};
  // The names tell a client with several certificates which one to show.
  auto* names = SSL_load_client_CA_file(path.c_str());
  if (names == nullptr || SSL_CTX_load_verify_file(context, path.c_str()) != 1) {
    sk_X509_NAME_pop_free(names, X509_NAME_free);
    return fail_with(kClientCa, path, "from which no certificates in PEM can be read");
  }
  SSL_CTX_set_client_CA_list(context, names);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return {};
}

Result<std::shared_ptr<SSL_CTX>> make_context(const TlsFiles& files, const std::string& protocols) {
  ERR_clear_error();
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (!context) return fail(ErrorCode::internal, fmt::format("can't be used: OpenSSL says {}", reason()), "tls");
  set_rules(context.get(), protocols);
  if (auto ok = use_certificate(context.get(), files.cert); !ok) return std::unexpected(ok.error());
  if (auto ok = use_key(context.get(), files); !ok) return std::unexpected(ok.error());
  if (auto ok = ask_clients(context.get(), files.client_ca); !ok) return std::unexpected(ok.error());
  return context;
}

std::string in_alpn_form(std::span<const std::string_view> protocols) {
  std::string list;
  for (const auto& protocol : protocols) {
    list += static_cast<char>(protocol.size());
    list += protocol;
  }
  return list;
}

template <class Print>
std::string printed(Print print) {
  const File memory(BIO_new(BIO_s_mem()));
  if (!memory || print(memory.get()) <= 0) return "?";
  char* text = nullptr;
  const auto size = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

}  // namespace

TlsContext::TlsContext(TlsFiles files, std::span<const std::string_view> protocols)
    : files_(std::move(files)), protocols_(in_alpn_form(protocols)) {}
TlsContext::~TlsContext() = default;

Result<std::unique_ptr<TlsContext>> TlsContext::load(TlsFiles files, std::span<const std::string_view> protocols) {
  std::unique_ptr<TlsContext> made(new TlsContext(std::move(files), protocols));
  if (auto ok = made->reload(); !ok) return std::unexpected(ok.error());
  return made;
}

Result<void> TlsContext::reload() {
  auto made = make_context(files_, protocols_);
  if (!made) return std::unexpected(made.error());
  const std::scoped_lock lock(mutex_);
  current_.swap(*made);  // what was in use is freed after the lock, or by the last connection that it serves
  return {};
}

std::string TlsContext::describe() const {
  const auto context = current();
  const auto* certificate = SSL_CTX_get0_certificate(context.get());
  const auto subject = printed([&](BIO* out) {
    return X509_NAME_print_ex(out, X509_get_subject_name(certificate), 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
  });
  const auto end = printed([&](BIO* out) { return ASN1_TIME_print(out, X509_get0_notAfter(certificate)); });
  ERR_clear_error();
  return fmt::format("\"{}\", good until {}", subject, end);
}

std::shared_ptr<ssl_ctx_st> TlsContext::current() const {
  const std::scoped_lock lock(mutex_);
  return current_;
}

}  // namespace rollcall::net
