#include "net/http_client.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/detail/base64.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

#include "base/clock.hpp"

namespace rollcall::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using Parser = http::response_parser<http::buffer_body>;

constexpr std::uint32_t kMaxHeaderBytes = 16 * 1024;
constexpr std::size_t kMaxServerBytes = 256;

bool is_tcp(const ServerEndpoint& endpoint) noexcept {
  return std::holds_alternative<asio::ip::tcp::endpoint>(endpoint);
}

std::string_view word_for(Unreachable why) noexcept {
  switch (why) {
    case Unreachable::refused:
      return "refused";
    case Unreachable::timed_out:
      return "timed out";
    case Unreachable::no_route:
      return "impossible: no route";
    case Unreachable::no_resources:
      return "impossible: out of descriptors or ports";
    case Unreachable::broken:
      return "broken off";
  }
  return "failed";
}

std::unexpected<ConnectFailure> connect_failure(const error_code& error, const ServerEndpoint& to) {
  const Unreachable why = classify(error);
  const auto what = is_tcp(to) ? std::string(word_for(why)) : fmt::format("failed: {}", error.message());
  return std::unexpected(ConnectFailure{why, fmt::format("connect to {} {}", to_text(to), what), false});
}

std::unexpected<ConnectFailure> exchange_failure(const error_code& error, const ServerEndpoint& to) {
  // Connected once, so whatever happens now says nothing of routes; a full table of ours still may.
  const Unreachable why = classify(error);
  if (why == Unreachable::timed_out)
    return std::unexpected(ConnectFailure{why, fmt::format("no answer from {} in time", to_text(to)), true});
  if (why == Unreachable::no_resources)
    return std::unexpected(ConnectFailure{why, fmt::format("request to {} {}", to_text(to), word_for(why)), true});
  if (error.category() == http::make_error_code(http::error::bad_version).category() &&
      error != http::error::end_of_stream && error != http::error::partial_message)
    return std::unexpected(
        ConnectFailure{Unreachable::broken, fmt::format("{} doesn't answer in HTTP", to_text(to)), true});
  return std::unexpected(ConnectFailure{Unreachable::broken,
                                        fmt::format("{} closed the connection before it answered", to_text(to)), true});
}

std::string default_host(const ServerEndpoint& endpoint) { return is_tcp(endpoint) ? to_text(endpoint) : "localhost"; }

http::request<http::string_body> make_request(const HttpRequest& request) {
  http::request<http::string_body> message{request.method, request.target, 11, request.body};
  message.set(http::field::host, request.host.empty() ? default_host(request.endpoint) : request.host);
  message.set(http::field::user_agent, "rollcall");
  message.set(http::field::accept, "*/*");
  message.set(http::field::connection, "close");
  if (request.authorization) message.set(http::field::authorization, *request.authorization);
  if (!request.body.empty()) message.set(http::field::content_type, "application/json");
  for (const auto& [name, value] : request.headers) message.set(name, value);
  message.prepare_payload();  // a length only where there is a body or the method has one
  return message;
}

HttpReply reply_from(const Parser& parser) {
  const auto& message = parser.get();
  HttpReply reply;
  reply.status = message.result_int();
  reply.server = std::string(message[http::field::server].substr(0, kMaxServerBytes));
  reply.content_type = std::string(message[http::field::content_type]);
  reply.location = std::string(message[http::field::location]);
  reply.www_authenticate = std::string(message[http::field::www_authenticate]);
  return reply;
}

// ---- an exchange, over TCP, over TLS on it, or over a unix socket ----

using TlsStream = beast::ssl_stream<beast::tcp_stream>;
using UnixStream = beast::basic_stream<asio::local::stream_protocol>;
using Outcome = std::expected<HttpReply, ConnectFailure>;
using Failed = std::optional<ConnectFailure>;

/// For an answer that isn't kept.
struct Pieces {
  TakePiece take;
  std::optional<std::chrono::milliseconds> idle_timeout;
  std::function<void()> begun;
};

ConnectFailure tls_failure_of(TlsStream& stream, const error_code& error, const HttpRequest& to) {
  const auto why = classify(error) == Unreachable::timed_out ? Unreachable::timed_out : Unreachable::broken;
  const auto reason = tls_failure(stream.native_handle(), error);
  return {why, fmt::format("TLS with {} failed: {}", to_text(to.endpoint), reason), true};
}

template <class Stream>
ConnectFailure failure_of(Stream&, const error_code& error, const HttpRequest& to) {
  return exchange_failure(error, to.endpoint).error();
}

ConnectFailure failure_of(TlsStream& stream, const error_code& error, const HttpRequest& to) {
  if (error.category() == asio::error::get_ssl_category()) return tls_failure_of(stream, error, to);
  return exchange_failure(error, to.endpoint).error();
}

template <class Stream>
asio::awaitable<Failed> shake_hands(Stream&, const HttpRequest&) {
  co_return std::nullopt;
}

asio::awaitable<Failed> shake_hands(TlsStream& stream, const HttpRequest& to) {
  error_code error = asio::error::invalid_argument;
  if (expect_name(stream.native_handle(), to.tls->name)) {
    co_await stream.async_handshake(asio::ssl::stream_base::client, asio::redirect_error(asio::use_awaitable, error));
  }
  if (error) co_return tls_failure_of(stream, error, to);
  co_return std::nullopt;
}

/// Until bytes may flow.
template <class Stream>
asio::awaitable<Failed> open(Stream& stream, const HttpRequest& request) {
  const auto started = SystemClock().now();
  auto& socket = beast::get_lowest_layer(stream);
  using Endpoint = std::remove_reference_t<decltype(socket)>::endpoint_type;
  const auto deadline = started + request.timeout;  // never renewed: one for the whole exchange
  socket.expires_at(std::min(deadline, started + request.connect_timeout));
  error_code error;
  co_await socket.async_connect(std::get<Endpoint>(request.endpoint), asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return connect_failure(error, request.endpoint).error();
  socket.expires_at(deadline);
  auto shaken = shake_hands(stream, request);
  co_return co_await std::move(shaken);
}

/// No further than `request.max_body_bytes`.
bool keep(HttpReply& reply, std::string_view piece, const HttpRequest& request) {
  const std::size_t room = request.max_body_bytes - reply.body.size();
  reply.body.append(piece.substr(0, room));
  reply.body_cut = piece.size() > room;
  return !reply.body_cut;
}

template <class Socket>
void allow_silence(Socket& socket, std::optional<std::chrono::milliseconds> silence) {
  if (silence) {
    socket.expires_after(*silence);
  } else {
    socket.expires_never();
  }
}

/// Who may be silent for ever is still asked by the kernel whether he is there: within half a minute.
void keep_asking(beast::tcp_stream& stream) {
  const auto set = [&stream](int level, int option, int value) {
    ::setsockopt(stream.socket().native_handle(), level, option, &value, sizeof value);
  };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 15);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
}
void keep_asking(UnixStream&) {}

template <class Stream>
asio::awaitable<error_code> read_body(Stream& stream, beast::flat_buffer& buffer, Parser& parser, HttpReply& reply,
                                      const HttpRequest& request, const Pieces* pieces) {
  std::vector<char> room(request.read_bytes);
  while (!parser.is_done()) {
    auto& body = parser.get().body();
    body.data = room.data();
    body.size = room.size();
    if (pieces != nullptr) allow_silence(beast::get_lowest_layer(stream), pieces->idle_timeout);
    error_code error;
    co_await http::async_read_some(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
    if (error && error != http::error::need_buffer) co_return error;
    const std::string_view piece(room.data(), room.size() - body.size);
    if (piece.empty()) continue;
    if (!(pieces != nullptr ? pieces->take(piece) : keep(reply, piece, request))) break;
  }
  co_return error_code{};
}

template <class Stream>
asio::awaitable<Outcome> exchange(Stream& stream, const HttpRequest& request, const Pieces* pieces) {
  auto opened = open(stream, request);
  if (auto failed = co_await std::move(opened)) co_return std::unexpected(*std::move(failed));

  error_code error;
  const auto message = make_request(request);
  co_await http::async_write(stream, message, asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return std::unexpected(failure_of(stream, error, request));

  beast::flat_buffer buffer(request.read_bytes + kMaxHeaderBytes);
  buffer.reserve(request.read_bytes);  // Beast reads as much as there is room for, and begins with 512 bytes
  Parser parser;
  parser.header_limit(kMaxHeaderBytes);
  parser.body_limit(boost::none);  // read_body() counts: an answer with a long body is still an answer
  co_await http::async_read_header(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return std::unexpected(failure_of(stream, error, request));

  HttpReply reply = reply_from(parser);
  const bool goes_on = pieces != nullptr && reply.status >= 200 && reply.status < 300;
  if (goes_on && !pieces->idle_timeout) keep_asking(beast::get_lowest_layer(stream));
  if (goes_on && pieces->begun) pieces->begun();
  auto reading = read_body(stream, buffer, parser, reply, request, goes_on ? pieces : nullptr);
  error = co_await std::move(reading);
  if (error) co_return std::unexpected(failure_of(stream, error, request));
  co_return reply;
}

asio::awaitable<Outcome> exchange(HttpRequest request, std::optional<Pieces> pieces) {
  const SystemClock clock;
  const auto started = clock.now();
  auto executor = co_await asio::this_coro::executor;
  const auto* taken = pieces ? &*pieces : nullptr;
  Outcome outcome;
  if (!is_tcp(request.endpoint)) {
    UnixStream stream(executor);
    auto exchanged = exchange(stream, request, taken);
    outcome = co_await std::move(exchanged);
  } else if (request.tls) {
    TlsStream stream(executor, *request.tls->context);
    auto exchanged = exchange(stream, request, taken);
    outcome = co_await std::move(exchanged);
  } else {
    beast::tcp_stream stream(executor);
    auto exchanged = exchange(stream, request, taken);
    outcome = co_await std::move(exchanged);
  }
  if (outcome) outcome->elapsed_ms = std::chrono::duration<double, std::milli>(clock.now() - started).count();
  co_return outcome;
}

}  // namespace

Unreachable classify(const error_code& error) noexcept {
  namespace errc = boost::system::errc;
  if (error == beast::error::timeout || error == errc::timed_out) return Unreachable::timed_out;
  if (error == errc::connection_refused || error == errc::no_such_file_or_directory) return Unreachable::refused;
  if (error == errc::network_unreachable || error == errc::host_unreachable || error == errc::network_down)
    return Unreachable::no_route;
  if (error == errc::too_many_files_open || error == errc::too_many_files_open_in_system ||
      error == errc::no_buffer_space || error == errc::not_enough_memory || error == errc::address_not_available)
    return Unreachable::no_resources;
  return Unreachable::broken;
}

std::string basic_authorization(std::string_view user, std::string_view password) {
  const std::string plain = fmt::format("{}:{}", user, password);
  std::string encoded(beast::detail::base64::encoded_size(plain.size()), '\0');
  encoded.resize(beast::detail::base64::encode(encoded.data(), plain.data(), plain.size()));
  return "Basic " + encoded;
}

asio::awaitable<std::expected<asio::ip::tcp::socket, ConnectFailure>> connect(asio::ip::tcp::endpoint endpoint,
                                                                              std::chrono::milliseconds timeout) {
  auto executor = co_await asio::this_coro::executor;
  beast::tcp_stream stream(executor);
  stream.expires_after(timeout);
  error_code error;
  co_await stream.async_connect(endpoint, asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return connect_failure(error, endpoint);
  co_return stream.release_socket();
}

asio::awaitable<std::expected<HttpReply, ConnectFailure>> get(HttpRequest request) {
  request.method = http::verb::get;
  return send(std::move(request));
}

asio::awaitable<std::expected<HttpReply, ConnectFailure>> send(HttpRequest request) {
  return exchange(std::move(request), std::nullopt);
}

asio::awaitable<std::expected<HttpReply, ConnectFailure>> stream(HttpRequest request, TakePiece take,
                                                                 std::optional<std::chrono::milliseconds> idle_timeout,
                                                                 std::function<void()> begun) {
  return exchange(std::move(request), Pieces{std::move(take), idle_timeout, std::move(begun)});
}

}  // namespace rollcall::net
