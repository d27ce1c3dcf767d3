#include "net/pem.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <system_error>

namespace rollcall::net::pem {
namespace {

// Those of TLS 1.2 that are still sound, which are also those that HTTP/2 allows (RFC 9113, 9.2.2). TLS 1.3 has no
// others.
constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;

/// OpenSSL would ask the terminal.
int no_passphrase(char*, int, int, void*) noexcept { return -1; }

Result<void> use_key(SSL_CTX* context, const Named& cert, const Named& key) {
  const File file(BIO_new_file(key.path.c_str(), "r"));
  if (!file) return failure(key, "which can't be read");
  const Key read(PEM_read_bio_PrivateKey(file.get(), nullptr, no_passphrase, nullptr));
  if (!read) return failure(key, "which holds no private key in PEM without a passphrase");
  if (X509_check_private_key(SSL_CTX_get0_certificate(context), read.get()) != 1) {
    return failure(key, fmt::format("whose key isn't that of the certificate in \"{}\"", cert.path));
  }
  if (SSL_CTX_use_PrivateKey(context, read.get()) == 1) return {};
  return failure(key, "whose key can't be used");
}

}  // namespace

std::string reason() {
  const auto error = ERR_peek_error();  // the first: the others follow from it
  ERR_clear_error();
  if (ERR_SYSTEM_ERROR(error)) return std::generic_category().message(ERR_GET_REASON(error));
  const char* text = ERR_reason_error_string(error);
  return text == nullptr ? "unknown reason" : text;
}

std::unexpected<Error> failure(const Named& file, std::string_view what) {
  return fail(ErrorCode::invalid, fmt::format("is \"{}\", {} ({})", file.path, what, reason()), std::string(file.name));
}

std::unexpected<Error> no_certificates(const Named& file) {
  return failure(file, "from which no certificates in PEM can be read");
}

Result<void> use(SSL_CTX* context, const Named& cert, const Named& key) {
  if (SSL_CTX_use_certificate_chain_file(context, cert.path.c_str()) != 1) return no_certificates(cert);
  return use_key(context, cert, key);
}

void set_rules(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context, kCiphers);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_default_passwd_cb(context, no_passphrase);
}

}  // namespace rollcall::net::pem
