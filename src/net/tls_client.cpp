#include "net/tls_client.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

#include "net/pem.hpp"

namespace rollcall::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;

constexpr unsigned char kHttp1[] = "\x08http/1.1";  // as ALPN has it (RFC 7301, 3.1)
constexpr auto kTls = asio::ssl::context::tls_client;

Result<void> trust(SSL_CTX* context, const std::string& ca) {
  if (ca.empty()) {
    SSL_CTX_set_default_verify_paths(context);
  } else if (SSL_CTX_load_verify_file(context, ca.c_str()) != 1) {
    return pem::no_certificates({"--cacert", ca});
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  return {};
}

bool is_address(const std::string& name) {
  error_code error;
  asio::ip::make_address(name, error);
  return !error;
}

std::string certificate_failure(long verified) {
  switch (verified) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "its certificate has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "its certificate isn't valid yet";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "its certificate is for another name";
    default:
      return fmt::format("its certificate isn't trusted ({})", X509_verify_cert_error_string(verified));
  }
}

bool is_alert(const error_code& error) {
  return error.category() == asio::error::get_ssl_category() &&
         ERR_GET_REASON(static_cast<unsigned long>(error.value())) >= SSL_AD_REASON_OFFSET;
}

std::string protocol_failure(const error_code& error) {
  switch (ERR_GET_REASON(static_cast<unsigned long>(error.value()))) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
      return "it doesn't speak TLS; is it http://?";
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      return "it asks for a certificate of ours";
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
      return "it doesn't trust our certificate";
    default:
      return error.message();
  }
}

}  // namespace

Result<std::shared_ptr<asio::ssl::context>> load_tls_client(const TlsClientFiles& files) {
  if (files.cert.empty() != files.key.empty()) {
    return fail(ErrorCode::invalid, files.key.empty() ? "needs --key as well" : "needs --cert as well",
                files.key.empty() ? "--cert" : "--key");
  }
  ERR_clear_error();
  auto made = std::make_shared<asio::ssl::context>(kTls);
  auto* context = made->native_handle();
  pem::set_rules(context);
  SSL_CTX_set_alpn_protos(context, kHttp1, sizeof kHttp1 - 1);
  if (auto ok = trust(context, files.ca); !ok) return std::unexpected(ok.error());
  if (files.cert.empty()) return made;
  if (auto ok = pem::use(context, {"--cert", files.cert}, {"--key", files.key}); !ok) {
    return std::unexpected(ok.error());
  }
  return made;
}

bool expect_name(SSL* ssl, const std::string& name) {
  auto* wanted = SSL_get0_param(ssl);
  if (is_address(name)) return X509_VERIFY_PARAM_set1_ip_asc(wanted, name.c_str()) == 1;
  X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return X509_VERIFY_PARAM_set1_host(wanted, name.c_str(), name.size()) == 1 &&
         SSL_set_tlsext_host_name(ssl, name.c_str()) == 1;  // addresses have no place there (RFC 6066, 3)
}

std::string tls_failure(const SSL* ssl, const error_code& error) {
  if (const auto verified = SSL_get_verify_result(ssl); verified != X509_V_OK) return certificate_failure(verified);
  if (error == beast::error::timeout) return "no answer in time";
  if (error.category() == asio::error::get_ssl_category()) return protocol_failure(error);
  return "it closed the connection";
}

asio::awaitable<bool> speaks_tls(asio::ip::tcp::endpoint endpoint, std::chrono::milliseconds timeout) {
  auto executor = co_await asio::this_coro::executor;
  asio::ssl::context anybody(kTls);
  beast::ssl_stream<beast::tcp_stream> stream(executor, anybody);
  auto& tcp = beast::get_lowest_layer(stream);
  tcp.expires_after(timeout);
  error_code error;
  co_await tcp.async_connect(endpoint, asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return false;
  co_await stream.async_handshake(asio::ssl::stream_base::client, asio::redirect_error(asio::use_awaitable, error));
  co_return !error || is_alert(error);
}

}  // namespace rollcall::net
