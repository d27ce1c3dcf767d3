#pragma once
// A small HTTP/1.1 client for probes, checks, Docker and the command line: one request, one deadline, no redirects,
// bounded answers; and answers that go on, as they come.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/http/verb.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "net/endpoint.hpp"
#include "net/tls_client.hpp"

namespace rollcall::net {

struct HttpRequest {
  ServerEndpoint endpoint;
  std::string host{};  ///< for the Host header; empty: the endpoint, and "localhost" for a unix socket
  std::string target = "/";
  std::optional<std::string> authorization{};        ///< the header's value; never logged
  std::chrono::milliseconds timeout{2'000};          ///< for the whole exchange
  std::chrono::milliseconds connect_timeout{2'000};  ///< of it, for the connection
  std::size_t max_body_bytes = 1024 * 1024;
  std::size_t read_bytes = 16 * 1024;  ///< at one time; up to 64 KiB for answers that are long
  boost::beast::http::verb method = boost::beast::http::verb::get;
  std::string body{};                                          ///< JSON, if not empty
  std::vector<std::pair<std::string, std::string>> headers{};  ///< besides those that every request has; never logged
  std::optional<TlsPeer> tls{};  ///< over TCP: nothing is sent before the peer has shown that it is this one
};

struct HttpReply {
  unsigned status = 0;
  std::string server;  ///< its Server header, cut to 256 bytes
  std::string content_type;
  std::string location;
  std::string www_authenticate;
  std::string body;
  bool body_cut = false;  ///< the body was longer than `max_body_bytes`, and the rest wasn't read
  double elapsed_ms = 0;  ///< from the first packet to the answer's last byte
};

/// Why a connection gave no answer. The difference decides what it is evidence of.
enum class Unreachable : std::uint8_t {
  refused,       ///< the host says that nobody listens: evidence of absence, at once
  timed_out,     ///< silence: evidence only after several
  no_route,      ///< our network, or theirs: no evidence
  no_resources,  ///< we are short of descriptors, memory or ports: no evidence
  broken,        ///< closed or reset half-way, or not HTTP
};

struct ConnectFailure {
  Unreachable why = Unreachable::broken;
  std::string evidence;    ///< "connect to 127.0.0.1:8042 refused"
  bool connected = false;  ///< somebody accepted, whatever came of it
};

/// What an error of the system while connecting is evidence of.
[[nodiscard]] Unreachable classify(const boost::system::error_code& error) noexcept;

/// The value of an Authorization header for HTTP Basic.
[[nodiscard]] std::string basic_authorization(std::string_view user, std::string_view password);

/// A connected socket, or why not.
boost::asio::awaitable<std::expected<boost::asio::ip::tcp::socket, ConnectFailure>> connect(
    boost::asio::ip::tcp::endpoint endpoint, std::chrono::milliseconds timeout);

/// One request. A status of any kind is a reply; only what isn't an HTTP answer is a failure.
boost::asio::awaitable<std::expected<HttpReply, ConnectFailure>> send(HttpRequest request);

/// Takes a piece of an answer's body. False: no more is wanted.
using TakePiece = std::function<bool(std::string_view)>;

/// One request for an answer that goes on: the timeouts end with its header, and from then on count for a silence of
/// `idle_timeout`; without one it may be silent for ever. A 2xx answer's body goes to `take`, piece by piece as it
/// comes, and isn't kept; `begun` is called before, once the header is there.
boost::asio::awaitable<std::expected<HttpReply, ConnectFailure>> stream(
    HttpRequest request, TakePiece take, std::optional<std::chrono::milliseconds> idle_timeout,
    std::function<void()> begun = {});

/// send() with GET.
boost::asio::awaitable<std::expected<HttpReply, ConnectFailure>> get(HttpRequest request);

}  // namespace rollcall::net
