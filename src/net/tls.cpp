#include "net/tls.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "net/pem.hpp"

namespace rollcall::net {
namespace {

constexpr std::string_view kCert = "tls.cert";
constexpr std::string_view kKey = "tls.key";
constexpr std::string_view kClientCa = "tls.client_ca";

// Sessions are resumed only by who gave them out.
constexpr std::string_view kSessionContext = "rollcall";

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
  pem::set_rules(context);
  // Idle connections, of which there are thousands, keep no buffers. What is offered for writing may have moved and
  // grown at the next attempt (Channel::write).
  SSL_CTX_set_mode(context,
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);  // else each record takes two reads
  SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>(kSessionContext.data()),
                                 kSessionContext.size());
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, const_cast<std::string*>(&protocols));
}

Result<void> ask_clients(SSL_CTX* context, const std::string& path) {
  if (path.empty()) return {};
  // The names tell a client with several certificates which one to show.
  auto* names = SSL_load_client_CA_file(path.c_str());
  if (names == nullptr || SSL_CTX_load_verify_file(context, path.c_str()) != 1) {
    sk_X509_NAME_pop_free(names, X509_NAME_free);
    return pem::no_certificates({kClientCa, path});
  }
  SSL_CTX_set_client_CA_list(context, names);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return {};
}

Result<std::shared_ptr<SSL_CTX>> make_context(const TlsFiles& files, const std::string& protocols) {
  ERR_clear_error();
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (!context) return fail(ErrorCode::internal, fmt::format("can't be used: OpenSSL says {}", pem::reason()), "tls");
  set_rules(context.get(), protocols);
  if (auto ok = pem::use(context.get(), {kCert, files.cert}, {kKey, files.key}); !ok)
    return std::unexpected(ok.error());
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
  const pem::File memory(BIO_new(BIO_s_mem()));
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

bool TlsContext::key_is_exposed() const {
  using std::filesystem::perms;
  std::error_code error;
  const auto mode = std::filesystem::status(files_.key, error).permissions();
  return !error && (mode & (perms::group_all | perms::others_all)) != perms::none;
}

std::shared_ptr<ssl_ctx_st> TlsContext::current() const {
  const std::scoped_lock lock(mutex_);
  return current_;
}

}  // namespace rollcall::net
