#pragma once
// TLS for who asks: whom it trusts, and how it shows who it is.
#include <openssl/types.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "base/error.hpp"

namespace boost::asio::ssl {
class context;
}

namespace rollcall::net {

/// Paths of PEM files. Errors call them by the command line's names: --cacert, --cert, --key.
struct TlsClientFiles {
  std::string ca{};    ///< who vouches for servers; empty: whom the system trusts
  std::string cert{};  ///< ours, then those that lead to its root; empty: none is shown
  std::string key{};   ///< of the first one, without a passphrase
};

/// Who is to be at the other end.
struct TlsPeer {
  std::shared_ptr<boost::asio::ssl::context> context;
  std::string name;  ///< what its certificate must be for: a name or an address
};

[[nodiscard]] Result<std::shared_ptr<boost::asio::ssl::context>> load_tls_client(const TlsClientFiles& files);

/// Before the handshake: it fails unless the certificate is `name`'s.
[[nodiscard]] bool expect_name(SSL* ssl, const std::string& name);

/// After a handshake or a transfer failed with `error`: why, about the peer. "its certificate has expired"
[[nodiscard]] std::string tls_failure(const SSL* ssl, const boost::system::error_code& error);

/// Whether who listens there knows TLS, whoever it is. Says nothing of its own.
[[nodiscard]] boost::asio::awaitable<bool> speaks_tls(boost::asio::ip::tcp::endpoint endpoint,
                                                      std::chrono::milliseconds timeout);

}  // namespace rollcall::net
