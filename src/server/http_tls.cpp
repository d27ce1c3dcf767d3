#include "server/http_tls.hpp"

#include "base/log.hpp"

namespace rollcall {
namespace {

// What is offered to clients that ask (RFC 7301), the best first.
constexpr std::string_view kProtocols[] = {"h2", "http/1.1"};

}  // namespace

Result<void> HttpTls::open(const net::TlsFiles& files) {
  if (!files.wanted()) return {};
  auto loaded = net::TlsContext::load(files, kProtocols);
  if (!loaded) return std::unexpected(loaded.error());
  context_ = std::move(*loaded);
  key_ = files.key;
  log::info("main", "TLS with the certificate {}", context_->describe());
  warn_of_exposed_key();
  return {};
}

void HttpTls::warn_of_exposed_key() const {
  if (!context_->key_is_exposed()) return;
  log::warning("main", "tls.key is \"{}\", which is open to others than its owner: chmod 600", key_);
}

void HttpTls::reload() {
  if (!context_) {
    log::info("main", "there is nothing to reload: HTTP is served without TLS");
  } else if (const auto ok = context_->reload(); ok) {
    log::info("main", "TLS from now on with the certificate {}", context_->describe());
    warn_of_exposed_key();
  } else {
    const auto& error = ok.error();
    log::error("main", "TLS goes on with the certificate {}: {} {}", context_->describe(), error.field, error.message);
  }
}

std::unique_ptr<http::Channel> HttpTls::make_channel(boost::asio::ip::tcp::socket socket) const {
  if (context_) return net::make_tls_channel(std::move(socket), *context_);
  return std::make_unique<http::ClearChannel>(std::move(socket));
}

void HttpTls::add_metrics(OwnMetrics& metrics) const {
  if (!context_) return;
  metrics.counter("tls_handshakes_failed_total", "Handshakes of TLS that a peer began and that came to nothing.",
                  static_cast<double>(context_->failed_handshakes()));
}

}  // namespace rollcall
