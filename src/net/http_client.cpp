#include "net/http_client.hpp"

#include <fmt/format.h>

#include <array>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/detail/base64.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

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
constexpr std::size_t kReadBytes = 16 * 1024;

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

std::unexpected<ConnectFailure> connect_failure(const error_code& error, const asio::ip::tcp::endpoint& to) {
  const Unreachable why = classify(error);
  return std::unexpected(ConnectFailure{why, fmt::format("connect to {} {}", to_text(to), word_for(why)), false});
}

std::unexpected<ConnectFailure> exchange_failure(const error_code& error, const asio::ip::tcp::endpoint& to) {
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

http::request<http::string_body> make_request(const HttpRequest& request) {
  http::request<http::string_body> message{request.method, request.target, 11, request.body};
  message.set(http::field::host, request.host.empty() ? to_text(request.endpoint) : request.host);
  message.set(http::field::user_agent, "rollcall");
  message.set(http::field::accept, "*/*");
  message.set(http::field::connection, "close");
  if (request.authorization) message.set(http::field::authorization, *request.authorization);
  if (!request.body.empty()) message.set(http::field::content_type, "application/json");
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

/// Reads the body into `reply`, no further than `max_bytes`.
asio::awaitable<error_code> read_body(beast::tcp_stream& stream, beast::flat_buffer& buffer, Parser& parser,
                                      HttpReply& reply, std::size_t max_bytes) {
  std::array<char, kReadBytes> piece;
  while (!parser.is_done()) {
    auto& body = parser.get().body();
    body.data = piece.data();
    body.size = piece.size();
    error_code error;
    co_await http::async_read_some(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
    if (error && error != http::error::need_buffer) co_return error;
    const std::size_t got = piece.size() - body.size;
    const std::size_t room = max_bytes - reply.body.size();
    reply.body.append(piece.data(), std::min(got, room));
    if (got > room) {
      reply.body_cut = true;
      break;
    }
  }
  co_return error_code{};
}

}  // namespace

Unreachable classify(const error_code& error) noexcept {
  namespace errc = boost::system::errc;
  if (error == beast::error::timeout || error == errc::timed_out) return Unreachable::timed_out;
  if (error == errc::connection_refused) return Unreachable::refused;
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
  const SystemClock clock;
  const auto started = clock.now();
  auto executor = co_await asio::this_coro::executor;
  beast::tcp_stream stream(executor);
  const auto deadline = started + request.timeout;  // never renewed: one for the whole exchange
  stream.expires_at(std::min(deadline, started + request.connect_timeout));
  error_code error;
  co_await stream.async_connect(request.endpoint, asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return connect_failure(error, request.endpoint);

  stream.expires_at(deadline);
  const auto message = make_request(request);
  co_await http::async_write(stream, message, asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return exchange_failure(error, request.endpoint);

  beast::flat_buffer buffer(kReadBytes + kMaxHeaderBytes);
  Parser parser;
  parser.header_limit(kMaxHeaderBytes);
  parser.body_limit(boost::none);  // read_body() counts: an answer with a long body is still an answer
  co_await http::async_read_header(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return exchange_failure(error, request.endpoint);

  HttpReply reply = reply_from(parser);
  error = co_await read_body(stream, buffer, parser, reply, request.max_body_bytes);
  if (error) co_return exchange_failure(error, request.endpoint);
  reply.elapsed_ms = std::chrono::duration<double, std::milli>(clock.now() - started).count();
  co_return reply;
}

}  // namespace rollcall::net
