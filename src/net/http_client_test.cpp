// The client against tiny servers on loopback that say exactly what each test needs.
#include "net/http_client.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <filesystem>
#include <future>

#include "base/clock.hpp"
#include "support/temp_dir.hpp"

namespace rollcall::net {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using asio::ip::tcp;

const auto kLoopback = asio::ip::address_v4::loopback();

/// Takes one connection, reads the request's header, says `answer` and closes (or stays silent).
template <class Protocol>
class OneShotServerOf {
 public:
  OneShotServerOf(asio::io_context& io, Protocol::endpoint endpoint, std::string answer, bool close_after = true)
      : acceptor_(io, endpoint), answer_(std::move(answer)), close_after_(close_after) {
    asio::co_spawn(io, serve(), [](std::exception_ptr) {});
  }
  [[nodiscard]] Protocol::endpoint endpoint() const { return acceptor_.local_endpoint(); }
  [[nodiscard]] const std::string& request() const { return request_; }

 private:
  asio::awaitable<void> serve() {
    socket_.emplace(co_await acceptor_.async_accept(asio::use_awaitable));
    const auto size =
        co_await asio::async_read_until(*socket_, asio::dynamic_buffer(request_), "\r\n\r\n", asio::use_awaitable);
    static_cast<void>(size);
    boost::system::error_code ignored;
    co_await asio::async_write(*socket_, asio::buffer(answer_), asio::redirect_error(asio::use_awaitable, ignored));
    if (close_after_) socket_.reset();
  }

  Protocol::acceptor acceptor_;
  std::optional<typename Protocol::socket> socket_;
  std::string answer_;
  std::string request_;
  bool close_after_;
};

struct OneShotServer : OneShotServerOf<tcp> {
  explicit OneShotServer(asio::io_context& io, std::string answer, bool close_after = true)
      : OneShotServerOf(io, {kLoopback, 0}, std::move(answer), close_after) {}
};

std::expected<HttpReply, ConnectFailure> get_from(asio::io_context& io, HttpRequest request) {
  auto result = asio::co_spawn(io, get(std::move(request)), asio::use_future);
  io.restart();
  while (result.wait_for(0s) != std::future_status::ready) io.run_one();
  return result.get();
}

TEST(HttpClient, AReplyIsReadWithTheHeadersThatTellServersApart) {
  asio::io_context io;
  OneShotServer server(io,
                       "HTTP/1.1 401 Unauthorized\r\nServer: nginx/1.22\r\nWWW-Authenticate: Basic realm=\"x\"\r\n"
                       "Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello");
  const auto reply = get_from(io, {.endpoint = server.endpoint(), .target = "/system", .authorization = "Basic eA=="});
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->status, 401U);
  EXPECT_EQ(reply->server, "nginx/1.22");
  EXPECT_EQ(reply->www_authenticate, "Basic realm=\"x\"");
  EXPECT_EQ(reply->content_type, "text/plain");
  EXPECT_EQ(reply->body, "hello");
  EXPECT_GT(reply->elapsed_ms, 0);
  EXPECT_TRUE(server.request().starts_with("GET /system HTTP/1.1\r\n")) << server.request();
  EXPECT_NE(server.request().find("Authorization: Basic eA==\r\n"), std::string::npos);
  EXPECT_NE(server.request().find("Host: " + to_text(server.endpoint()) + "\r\n"), std::string::npos);
}

TEST(HttpClient, ARedirectIsAnAnswerAndIsNotFollowed) {
  asio::io_context io;
  OneShotServer elsewhere(io, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  const std::string there = "http://" + to_text(elsewhere.endpoint()) + "/";
  OneShotServer server(io, "HTTP/1.1 302 Found\r\nLocation: " + there + "\r\nContent-Length: 0\r\n\r\n");
  const auto reply = get_from(io, {.endpoint = server.endpoint()});
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->status, 302U);
  EXPECT_EQ(reply->location, there);
  EXPECT_EQ(elsewhere.request(), "");
}

TEST(HttpClient, ABodyWithoutLengthEndsWithTheConnection) {
  asio::io_context io;
  OneShotServer server(io, "HTTP/1.0 200 OK\r\n\r\nuntil the end");
  const auto reply = get_from(io, {.endpoint = server.endpoint()});
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->body, "until the end");
}

TEST(HttpClient, ChunksAreJoined) {
  asio::io_context io;
  OneShotServer server(io, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  const auto reply = get_from(io, {.endpoint = server.endpoint()});
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->body, "abcde");
  EXPECT_FALSE(reply->body_cut);
}

TEST(HttpClient, ALongBodyIsCutAndAHugeAnnouncedLengthTakesNoMemory) {
  asio::io_context io;
  OneShotServer server(io, "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n" + std::string(5000, 'x'), false);
  const auto reply = get_from(io, {.endpoint = server.endpoint(), .max_body_bytes = 1000});
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->body.size(), 1000U);
  EXPECT_TRUE(reply->body_cut);
}

TEST(HttpClient, ABodyThatStallsRunsIntoTheOneDeadline) {
  asio::io_context io;
  OneShotServer server(io, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfive.", false);
  const auto reply = get_from(io, {.endpoint = server.endpoint(), .timeout = 100ms});
  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().why, Unreachable::timed_out);
  EXPECT_EQ(reply.error().evidence, "no answer from " + to_text(server.endpoint()) + " in time");
}

std::expected<HttpReply, ConnectFailure> stream_from(asio::io_context& io, HttpRequest request, TakePiece take,
                                                     std::chrono::milliseconds idle_timeout = 10s) {
  auto result = asio::co_spawn(io, stream(std::move(request), std::move(take), idle_timeout), asio::use_future);
  io.restart();
  while (result.wait_for(0s) != std::future_status::ready) io.run_one();
  return result.get();
}

constexpr auto kGoesOn = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n";

TEST(HttpClient, AnAnswerThatGoesOnIsTakenAsItComes) {
  asio::io_context io;
  OneShotServer server(io, kGoesOn, false);
  std::string heard;
  const auto reply = stream_from(io, {.endpoint = server.endpoint()}, [&](std::string_view piece) {
    heard += piece;
    return heard != "abcde";  // which the server never ends
  });
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(heard, "abcde");
  EXPECT_EQ(reply->body, "");
}

TEST(HttpClient, AnAnswerThatGoesOnMayTakeLongerThanOtherAnswersButNotBeSilent) {
  asio::io_context io;
  OneShotServer server(io, kGoesOn, false);
  const auto begin = SystemClock().now();
  const auto take = [](std::string_view) { return true; };
  const auto reply = stream_from(io, {.endpoint = server.endpoint(), .timeout = 10s}, take, 100ms);
  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().why, Unreachable::timed_out);
  EXPECT_LT(SystemClock().now() - begin, 5s);
}

TEST(HttpClient, AnAnswerThatBreaksOffIsBroken) {
  asio::io_context io;
  OneShotServer server(io, kGoesOn);
  const auto reply = stream_from(io, {.endpoint = server.endpoint()}, [](std::string_view) { return true; });
  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().why, Unreachable::broken);
}

TEST(HttpClient, AnErrorInPlaceOfAnAnswerThatGoesOnIsAReply) {
  asio::io_context io;
  OneShotServer server(io, "HTTP/1.1 410 Gone\r\nContent-Length: 3\r\n\r\nold");
  bool taken = false;
  const auto reply = stream_from(io, {.endpoint = server.endpoint()}, [&](std::string_view) { return taken = true; });
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->status, 410U);
  EXPECT_EQ(reply->body, "old");
  EXPECT_FALSE(taken);
}

TEST(HttpClient, AServerIsAlsoReachedOverAUnixSocket) {
  using asio::local::stream_protocol;
  const testing::TempDir directory;
  const auto path = directory.file("server.sock");
  asio::io_context io;
  OneShotServerOf<stream_protocol> server(io, {path}, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK");
  const auto reply = get_from(io, {.endpoint = stream_protocol::endpoint(path), .target = "/_ping"});
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->body, "OK");
  EXPECT_TRUE(server.request().starts_with("GET /_ping HTTP/1.1\r\nHost: localhost\r\n")) << server.request();
  std::filesystem::remove(path);

  const auto nobody = get_from(io, {.endpoint = stream_protocol::endpoint(path)});
  ASSERT_FALSE(nobody.has_value());
  EXPECT_EQ(nobody.error().why, Unreachable::refused);
  EXPECT_EQ(nobody.error().evidence, "connect to " + path + " failed: No such file or directory");
}

TEST(HttpClient, AnAnswerThatGoesOnMayBeSilentFromItsHeaderOn) {
  asio::io_context io;
  OneShotServer server(io, "HTTP/1.1 200 OK\r\n\r\n", false);
  bool begun = false;
  HttpRequest request{.endpoint = server.endpoint(), .timeout = 5s};
  const auto result = asio::co_spawn(
      io,
      stream(request, [](std::string_view) { return true; }, std::nullopt, [&] { begun = true; }), asio::use_future);
  for (int i = 0; i < 1000 && !begun; ++i) io.run_one_for(10ms);
  EXPECT_TRUE(begun);
}

TEST(HttpClient, NobodyListeningIsRefused) {
  asio::io_context io;
  tcp::acceptor closed(io, {kLoopback, 0});
  const auto endpoint = closed.local_endpoint();
  closed.close();
  const auto reply = get_from(io, {.endpoint = endpoint});
  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().why, Unreachable::refused);
  EXPECT_EQ(reply.error().evidence, "connect to " + to_text(endpoint) + " refused");
}

TEST(HttpClient, WhatSpeaksAnotherProtocolIsBroken) {
  asio::io_context io;
  OneShotServer server(io, "SSH-2.0-OpenSSH_9.2\r\n\r\n");
  const auto reply = get_from(io, {.endpoint = server.endpoint()});
  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().why, Unreachable::broken);
  EXPECT_EQ(reply.error().evidence, to_text(server.endpoint()) + " doesn't answer in HTTP");
}

TEST(HttpClient, AConnectionClosedHalfWayIsBroken) {
  asio::io_context io;
  OneShotServer server(io, "HTTP/1.1 200 OK\r\nContent-Le");
  const auto reply = get_from(io, {.endpoint = server.endpoint()});
  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().why, Unreachable::broken);
}

TEST(HttpClient, AHeaderWithoutEndIsBroken) {
  asio::io_context io;
  OneShotServer server(io, "HTTP/1.1 200 OK\r\nX: " + std::string(64 * 1024, 'y'), false);
  const auto reply = get_from(io, {.endpoint = server.endpoint()});
  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().why, Unreachable::broken);
}

TEST(HttpClient, ErrorsOfOurOwnAndOfTheNetworkAreToldApart) {
  namespace errc = boost::system::errc;
  EXPECT_EQ(classify(make_error_code(errc::connection_refused)), Unreachable::refused);
  EXPECT_EQ(classify(make_error_code(errc::timed_out)), Unreachable::timed_out);
  EXPECT_EQ(classify(make_error_code(errc::host_unreachable)), Unreachable::no_route);
  EXPECT_EQ(classify(make_error_code(errc::network_unreachable)), Unreachable::no_route);
  EXPECT_EQ(classify(make_error_code(errc::too_many_files_open)), Unreachable::no_resources);
  EXPECT_EQ(classify(make_error_code(errc::too_many_files_open_in_system)), Unreachable::no_resources);
  EXPECT_EQ(classify(make_error_code(errc::no_buffer_space)), Unreachable::no_resources);
  EXPECT_EQ(classify(make_error_code(errc::address_not_available)), Unreachable::no_resources);
  EXPECT_EQ(classify(make_error_code(errc::connection_reset)), Unreachable::broken);
}

TEST(HttpClient, CredentialsAreEncodedAsBasicAsksFor) {
  EXPECT_EQ(basic_authorization("orthanc", "orthanc"), "Basic b3J0aGFuYzpvcnRoYW5j");
}

}  // namespace
}  // namespace rollcall::net
