#include "http/h1/server.hpp"

#include <gtest/gtest.h>

#include <future>
#include <string>

#include "http/test_server.hpp"

namespace rollcall::http {
namespace {

TEST_F(ServerTest, KeepsTheConnectionForTheNextRequest) {
  start();
  auto socket = connect();
  send(socket, kGet);
  const auto first = read_some(socket, 100);
  send(socket, kGet);
  EXPECT_TRUE(first.ends_with("{}"));
  EXPECT_EQ(read_some(socket, first.size()), first);
}

TEST_F(ServerTest, AnAnswerLargerThanTheSocketsBufferArrivesWhole) {
  start();
  auto socket = connect();
  send(socket, "GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  const auto answer = read_all(socket);
  EXPECT_NE(answer.find("Content-Length: 8388608\r\n"), std::string::npos);
  EXPECT_EQ(answer.substr(answer.find("\r\n\r\n") + 4), large_);
}

TEST_F(ServerTest, AwaitedAnswersKeepTheirPlace) {
  start();
  auto socket = connect();
  send(socket, std::string(kGet) + "GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n" +
                   "GET /throws HTTP/1.1\r\nHost: localhost\r\n\r\n" +
                   "GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  const auto answers = read_all(socket);
  const auto later = answers.find("\"/later\"");
  const auto failed = answers.find("HTTP/1.1 500");
  EXPECT_LT(answers.find("{}"), later);
  EXPECT_LT(later, failed);
  EXPECT_TRUE(answers.ends_with("{}"));
}

TEST_F(ServerTest, ASlowSenderGets408) {
  start();
  auto socket = connect();
  send(socket, "GET /hello HTTP/1.1\r\nHost: loc");
  const auto answer = read_all(socket);
  EXPECT_EQ(answer.substr(0, 12), "HTTP/1.1 408");
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
}

TEST_F(ServerTest, TricklingBytesDoNotMoveTheDeadline) {
  start();
  auto socket = connect();
  boost::system::error_code error;
  // Bounded by the server's answer: it closes, and then a write fails.
  for (int i = 0; i < 10'000 && !error; ++i) {
    asio::write(socket, asio::buffer("x", 1), error);
    std::this_thread::yield();
    socket.non_blocking(true);
    char byte = 0;
    boost::system::error_code nothing_yet;
    if (socket.read_some(asio::buffer(&byte, 1), nothing_yet) == 1) break;
    socket.non_blocking(false);
    if (i == 0) asio::write(socket, asio::buffer(" / HTTP/1.1\r\nX: ", 16), error);
    std::this_thread::sleep_for(milliseconds(1));  // the pace of the sender, not a wait for the server
  }
  socket.non_blocking(false);
  EXPECT_NE(read_all(socket).find("TTP/1.1 4"), std::string::npos);
}

TEST_F(ServerTest, AnIdleConnectionIsClosedWithoutAWord) {
  limits_.idle_timeout = kShort;
  start();
  auto socket = connect();
  EXPECT_EQ(read_all(socket), "");
  auto used = connect();
  send(used, kGet);
  EXPECT_TRUE(read_all(used).ends_with("{}"));
}

TEST_F(ServerTest, AReaderThatTakesNothingIsClosed) {
  limits_.idle_timeout = kShort;
  start();
  auto socket = connect();
  send(socket, "GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n");
  // The server's last connection ends although nothing was read: stop() returns.
  while (stats_.connections_total.load() == 0) std::this_thread::yield();
  stop();
  EXPECT_EQ(stats_.connections.load(), 0U);
}

TEST_F(ServerTest, BeyondTheLimitConnectionsAreTurnedAwayAndLaterOnesServed) {
  limits_.connections = 1;
  start();
  {
    auto first = connect();
    send(first, kGet);
    (void)read_some(first, 100);
    auto second = connect();
    EXPECT_EQ(read_all(second).substr(0, 12), "HTTP/1.1 503");
    EXPECT_EQ(stats_.connections_refused.load(), 1U);
  }
  while (open_.load() != 0) std::this_thread::yield();
  auto third = connect();
  send(third, kGet);
  EXPECT_EQ(read_some(third, 100).substr(0, 12), "HTTP/1.1 200");
}

TEST_F(ServerTest, ABodyThatIsTooLargeIsAnsweredBeforeTheClose) {
  limits_.body_bytes = 1000;
  start();
  auto socket = connect();
  send(socket, "POST /hello HTTP/1.1\r\nHost: localhost\r\nContent-Length: 300000\r\n\r\n" + std::string(300'000, 'x'));
  EXPECT_EQ(read_all(socket).substr(0, 12), "HTTP/1.1 413");
}

TEST_F(ServerTest, StopClosesIdleConnectionsAndAnswersWhatIsInHand) {
  limits_.request_timeout = std::chrono::seconds(20);
  start();
  auto idle = connect();
  send(idle, kGet);
  (void)read_some(idle, 100);
  auto busy = connect();
  send(busy, "GET /hello HTTP/1.1\r\nHost: local");
  while (stats_.connections.load() != 2) std::this_thread::yield();

  asio::post(io_, [this] { table_.drain(); });
  EXPECT_EQ(read_all(idle), "");
  send(busy, "host\r\n\r\n");

  const auto answer = read_all(busy);
  EXPECT_EQ(answer.substr(0, 12), "HTTP/1.1 200");
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
}

TEST_F(ServerTest, GivesBackWhatBeginsLikeHttp2) {
  constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  std::promise<std::optional<std::string>> rest;
  auto client = connect();
  auto served = acceptor_.accept();
  asio::co_spawn(
      io_,
      [](tcp::socket socket, ServerContext context,
         std::promise<std::optional<std::string>>& to) -> asio::awaitable<void> {
        ClearChannel channel(std::move(socket));
        auto serving = h1::serve(channel, context);
        to.set_value(co_await std::move(serving));
      }(std::move(served), context_, rest),
      asio::detached);
  thread_ = std::thread([this] { io_.run(); });
  send(client, kPreface.substr(0, 5));
  send(client, kPreface.substr(5));
  send(client, "more");
  const auto got = rest.get_future().get();
  ASSERT_TRUE(got);
  EXPECT_TRUE(got->starts_with(kPreface));
}

}  // namespace
}  // namespace rollcall::http
