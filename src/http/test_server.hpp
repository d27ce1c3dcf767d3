#pragma once
// Of the tests of both protocols' servers: one that speaks both, on a thread of its own.
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <string>
#include <thread>

#include "http/h1/server.hpp"
#include "http/h2/server.hpp"
#include "http/test_stage.hpp"

namespace rollcall::http {

namespace asio = boost::asio;
using asio::ip::tcp;
using std::chrono::milliseconds;

constexpr milliseconds kShort{60};
constexpr std::string_view kGet = "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// A server on a thread of its own; the test is the client, with plain blocking sockets.
class ServerTest : public ::testing::Test {
 public:
  ~ServerTest() override { stop(); }

 protected:
  ServerTest() {
    router_.add(Method::get, "/hello", SyncHandler([](const Request&) { return json_response(200, "{}"); }));
    router_.add(Method::get, "/large", SyncHandler([this](const Request&) {
                  Response response;
                  response.body.shared.push_back(large_);
                  return response;
                }));
    router_.add(Method::get, "/later", AsyncHandler([](const Request& request) -> asio::awaitable<Response> {
                  asio::steady_timer timer(co_await asio::this_coro::executor, milliseconds(5));
                  auto wait = timer.async_wait(asio::use_awaitable);
                  co_await std::move(wait);
                  co_return json_response(200, "\"" + std::string(request.path) + "\"");
                }));
    router_.add(Method::get, "/held",
                HybridHandler([this](const Request&) -> Answer { return std::make_unique<StagedAnswer>(stage_); }));
    for (const auto& [path, kind] : {std::pair{"/stream", StagedStream::Kind::quiet},
                                     {"/busy", StagedStream::Kind::busy},
                                     {"/endless", StagedStream::Kind::endless}}) {
      router_.add(Method::get, path, SyncHandler([this, kind](const Request&) { return streamed(stage_, kind); }));
    }
    router_.add(Method::get, "/throws", AsyncHandler([](const Request&) -> asio::awaitable<Response> {
                  throw std::runtime_error("oops");
                  co_return Response{};
                }));
  }

  void start() {
    accept();
    thread_ = std::thread([this] { io_.run(); });
  }

  // The server's own end is in its connections' hands: this waits until the last has gone.
  void stop() {
    if (!thread_.joinable()) return;
    asio::post(io_, [this] {
      acceptor_.close();
      table_.drain();
    });
    thread_.join();
  }

  void accept() {
    acceptor_.async_accept([this](const boost::system::error_code& error, tcp::socket socket) {
      if (error) return;
      asio::co_spawn(io_, serve(std::move(socket), context_), asio::detached);
      accept();
    });
  }

  static asio::awaitable<void> serve(tcp::socket socket, ServerContext context) {
    ClearChannel channel(std::move(socket));
    auto served = h1::serve(channel, context);
    auto first_bytes_of_http2 = co_await std::move(served);
    if (!first_bytes_of_http2) co_return;
    auto served_further = h2::serve(channel, context, *std::move(first_bytes_of_http2));
    co_await std::move(served_further);
  }

  tcp::socket connect() {
    tcp::socket socket(client_io_);
    socket.connect(acceptor_.local_endpoint());
    return socket;
  }

  static void send(tcp::socket& socket, std::string_view bytes) { asio::write(socket, asio::buffer(bytes)); }

  /// Until the server closes.
  static std::string read_all(tcp::socket& socket) {
    std::string bytes;
    boost::system::error_code error;
    asio::read(socket, asio::dynamic_buffer(bytes), error);
    return bytes;
  }

  static std::string read_some(tcp::socket& socket, std::size_t least) {
    std::string bytes;
    asio::read(socket, asio::dynamic_buffer(bytes), asio::transfer_at_least(least));
    return bytes;
  }

  /// On the server's thread, while a request waits.
  void let_happen(std::string text, bool last = false) {
    asio::post(io_, [this, text = std::move(text), last] {
      stage_.said.push_back(text);
      stage_.over = last;
      if (stage_.wake) stage_.wake();
    });
  }

  Stage stage_;
  const SystemClock clock_;
  HttpLimits limits_;
  const GuardRules guard_;
  Router router_;
  ServerStats stats_;
  std::atomic<std::size_t> open_{0};
  asio::io_context io_{1};
  asio::io_context client_io_{1};
  std::unique_ptr<ConnectionTable> owned_table_;
  tcp::acceptor acceptor_{io_, {asio::ip::address_v4::loopback(), 0}};
  std::thread thread_;
  // Made on first use: tests set the limits before.
  ConnectionTable& table_ = table();
  ServerContext context_{router_, guard_, limits_, stats_, table_};
  const std::string large_ = std::string(8 * 1024 * 1024, 'L');

 private:
  ConnectionTable& table() {
    limits_.request_timeout = kShort;
    limits_.linger_timeout = kShort;
    owned_table_ = std::make_unique<ConnectionTable>(io_, clock_, limits_, open_);
    return *owned_table_;
  }
};

}  // namespace rollcall::http
