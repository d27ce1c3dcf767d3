#pragma once
// TLS for what is listened to: certificates from files, and channels that speak it. OpenSSL stays in tls.cpp
// (docs/decisions/0006-tls.md).
#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "http/channel.hpp"

struct ssl_ctx_st;  // OpenSSL's SSL_CTX

namespace rollcall::net {

/// Paths of PEM files. All empty: no TLS.
struct TlsFiles {
  std::string cert;       ///< ours, then those that lead to its root
  std::string key;        ///< of the first one, without a passphrase
  std::string client_ca;  ///< whose certificates clients must show; empty: none is asked for

  [[nodiscard]] bool wanted() const noexcept { return !cert.empty(); }
};

/// What new connections are served with. Outlives its channels.
class TlsContext {
 public:
  /// `protocols` are offered by ALPN, the best first. The error's field is the setting at fault: tls.cert, tls.key,
  /// tls.client_ca.
  [[nodiscard]] static Result<std::unique_ptr<TlsContext>> load(TlsFiles files,
                                                                std::span<const std::string_view> protocols);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  /// Reads the files again, for the connections that come from now on; those that there are stay as they are. Where it
  /// fails, what was in use remains so. Any thread.
  [[nodiscard]] Result<void> reload();

  /// In the log's words, without secrets: whose certificate this is and until when it is good. Any thread.
  [[nodiscard]] std::string describe() const;

  /// Whether the key's file is open to others than its owner, as far as its mode tells.
  [[nodiscard]] bool key_is_exposed() const;

  /// Any thread.
  [[nodiscard]] std::shared_ptr<ssl_ctx_st> current() const;

  /// Of peers that said something; who leaves without a word may be a check of the port. Any thread.
  [[nodiscard]] std::uint64_t failed_handshakes() const noexcept {
    return failed_handshakes_.load(std::memory_order_relaxed);
  }
  void count_failed_handshake() const noexcept { failed_handshakes_.fetch_add(1, std::memory_order_relaxed); }

 private:
  TlsContext(TlsFiles files, std::span<const std::string_view> protocols);

  const TlsFiles files_;
  const std::string protocols_;  ///< as ALPN has them: each after its length (RFC 7301, 3.1)
  mutable std::mutex mutex_;
  std::shared_ptr<ssl_ctx_st> current_;  ///< guarded by mutex_
  mutable std::atomic<std::uint64_t> failed_handshakes_{0};
};

/// The server's side of TLS on a connected socket. open() shakes hands.
[[nodiscard]] std::unique_ptr<http::Channel> make_tls_channel(boost::asio::ip::tcp::socket socket,
                                                              const TlsContext& context);

}  // namespace rollcall::net
