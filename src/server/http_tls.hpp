#pragma once
// What HTTP is served over: TLS where the settings name a certificate, else nothing.
#include <boost/asio/ip/tcp.hpp>
#include <memory>

#include "http/channel.hpp"
#include "metrics/own_metrics.hpp"
#include "net/tls.hpp"

namespace rollcall {

class HttpTls {
 public:
  /// Reads the files, if there are to be any.
  [[nodiscard]] Result<void> open(const net::TlsFiles& files);
  /// Any thread. Reads them again and says in the log what came of it.
  void reload();

  [[nodiscard]] bool is_on() const noexcept { return context_ != nullptr; }
  /// It ends before this does.
  [[nodiscard]] std::unique_ptr<http::Channel> make_channel(boost::asio::ip::tcp::socket socket) const;
  void add_metrics(OwnMetrics& metrics) const;

 private:
  void warn_of_exposed_key() const;

  std::string key_;
  std::unique_ptr<net::TlsContext> context_;
};

}  // namespace rollcall
