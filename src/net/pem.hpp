#pragma once
// Certificates and keys from files, for OpenSSL. Of net/ alone.
#include <openssl/bio.h>
#include <openssl/types.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace rollcall::net::pem {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* thing) const noexcept {
    Free(thing);
  }
};
using File = std::unique_ptr<BIO, Freed<BIO_free_all>>;

/// A file, and what its user calls it: a setting's key, a flag. Errors name both.
struct Named {
  std::string_view name;
  const std::string& path;
};

/// Why OpenSSL's last call failed; its queue is empty afterwards.
[[nodiscard]] std::string reason();

/// With reason().
[[nodiscard]] std::unexpected<Error> failure(const Named& file, std::string_view what);
[[nodiscard]] std::unexpected<Error> no_certificates(const Named& file);

/// The certificate with the chain that leads to its root, and its key.
[[nodiscard]] Result<void> use(SSL_CTX* context, const Named& cert, const Named& key);

/// TLS 1.2 or later, with ciphers that are still sound; never asks a terminal for a passphrase.
void set_rules(SSL_CTX* context);

}  // namespace rollcall::net::pem
