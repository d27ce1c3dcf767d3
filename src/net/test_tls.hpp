#pragma once
// Certificates made on the spot, and a blocking client that speaks TLS. For tests alone.
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "support/temp_dir.hpp"

namespace rollcall::net {

struct Certified {
  std::shared_ptr<X509> certificate;
  std::shared_ptr<EVP_PKEY> key;
};

/// By `issuer`, or by itself.
inline Certified certify(const std::string& name, const Certified* issuer = nullptr) {
  static long serial = 1;
  Certified made{{X509_new(), X509_free}, {EVP_EC_gen("P-256"), EVP_PKEY_free}};
  auto* x509 = made.certificate.get();
  X509_set_version(x509, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), serial++);
  X509_gmtime_adj(X509_getm_notBefore(x509), -3600);
  X509_gmtime_adj(X509_getm_notAfter(x509), 24 * 3600);
  X509_set_pubkey(x509, made.key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  const auto& by = issuer == nullptr ? made : *issuer;
  X509_set_issuer_name(x509, X509_get_subject_name(by.certificate.get()));
  if (issuer == nullptr) {
    auto* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints, "critical,CA:TRUE");
    X509_add_ext(x509, extension, -1);
    X509_EXTENSION_free(extension);
  }
  X509_sign(x509, by.key.get(), EVP_sha256());
  return made;
}

class PemFolder {
 public:
  [[nodiscard]] std::string path(const std::string& name) const { return directory_.file(name); }

  std::string write_certificate(const std::string& name, const Certified& what) const {
    return written(name, [&](BIO* out) { PEM_write_bio_X509(out, what.certificate.get()); });
  }
  /// Not empty: protected by this passphrase.
  std::string write_key(const std::string& name, const Certified& what, std::string passphrase = "") const {
    return written(name, [&](BIO* out) {
      const auto* cipher = passphrase.empty() ? nullptr : EVP_aes_128_cbc();
      PEM_write_bio_PrivateKey(out, what.key.get(), cipher, nullptr, 0, nullptr,
                               cipher == nullptr ? nullptr : passphrase.data());
    });
  }
  std::string write_text(const std::string& name, std::string_view text) const {
    return written(name, [&](BIO* out) { BIO_write(out, text.data(), static_cast<int>(text.size())); });
  }

 private:
  template <class Write>
  [[nodiscard]] std::string written(const std::string& name, Write write) const {
    const std::unique_ptr<BIO, decltype([](BIO* bio) { BIO_free_all(bio); })> file(
        BIO_new_file(path(name).c_str(), "w"));
    write(file.get());
    return path(name);
  }
  testing::TempDir directory_;
};

struct TlsClientOptions {
  const Certified* shown = nullptr;
  int newest = TLS1_3_VERSION;
  std::string alpn{};  ///< in wire form
};

/// Blocks. What goes wrong is in error(), and what was to be read is empty then.
class TlsClient {
 public:
  explicit TlsClient(boost::asio::ip::tcp::socket socket, const TlsClientOptions& options = {})
      : socket_(std::move(socket)), context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free) {
    auto* context = context_.get();
    SSL_CTX_set_security_level(context, 0);  // so that versions are offered that the server is to refuse
    SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context, options.newest);
    if (options.shown != nullptr) {
      SSL_CTX_use_certificate(context, options.shown->certificate.get());
      SSL_CTX_use_PrivateKey(context, options.shown->key.get());
    }
    ssl_.reset(SSL_new(context), SSL_free);
    const auto* alpn = reinterpret_cast<const unsigned char*>(options.alpn.data());
    if (!options.alpn.empty()) SSL_set_alpn_protos(ssl_.get(), alpn, static_cast<unsigned>(options.alpn.size()));
    SSL_set_fd(ssl_.get(), socket_.native_handle());
  }

  bool open() { return ok(SSL_connect(ssl_.get())); }
  bool send(std::string_view bytes) { return ok(SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()))); }

  std::string read_some() {
    std::string bytes(64 * 1024, '\0');
    const int read = SSL_read(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
    ended_in_order_ = SSL_get_error(ssl_.get(), read) == SSL_ERROR_ZERO_RETURN;
    if (!ended_in_order_) ok(read);
    bytes.resize(static_cast<std::size_t>(std::max(read, 0)));
    return bytes;
  }

  /// Until the server closes.
  std::string read_all() {
    std::string all;
    for (;;) {
      const auto some = read_some();
      if (some.empty()) return all;
      all += some;
    }
  }

  std::string ask(std::string_view request) { return send(request) ? read_some() : ""; }

  [[nodiscard]] std::string server_name() const {
    const std::unique_ptr<X509, decltype([](X509* x509) { X509_free(x509); })> shown(
        SSL_get1_peer_certificate(ssl_.get()));
    char name[64] = "";
    if (shown) X509_NAME_get_text_by_NID(X509_get_subject_name(shown.get()), NID_commonName, name, sizeof name);
    return name;
  }
  [[nodiscard]] std::string protocol() const {
    const unsigned char* data = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &data, &size);
    return {reinterpret_cast<const char*>(data), size};
  }
  [[nodiscard]] int version() const { return SSL_version(ssl_.get()); }
  [[nodiscard]] bool ended_in_order() const { return ended_in_order_; }
  [[nodiscard]] const std::string& error() const { return error_; }
  boost::asio::ip::tcp::socket& socket() { return socket_; }
  SSL* ssl() { return ssl_.get(); }

 private:
  bool ok(int result) {
    if (result <= 0) {
      const char* reason = ERR_reason_error_string(ERR_peek_error());
      error_ = reason == nullptr ? "closed" : reason;
      ERR_clear_error();
    }
    return result > 0;
  }

  boost::asio::ip::tcp::socket socket_;
  std::shared_ptr<SSL_CTX> context_;
  std::shared_ptr<SSL> ssl_;
  bool ended_in_order_ = false;
  std::string error_;
};

}  // namespace rollcall::net
