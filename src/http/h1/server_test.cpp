#include "http/h1/server.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <future>
#include <memory>
#include <string>
#include <thread>

namespace rollcall::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using std::chrono::milliseconds;

constexpr milliseconds kShort{60};
constexpr std::string_view kGet = "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// What a test lets happen while a request waits. All on the server's thread.
struct Stage {
  std::vector<std::string> said;  ///< not yet told
  bool over = false;
  Wake wake;
  int alive = 0;
  std::promise<void> started, ended;
};

class StagedAnswer final : public HeldAnswer {
 public:
  explicit StagedAnswer(Stage& stage) : stage_(stage) { ++stage_.alive; }
  ~StagedAnswer() override {
    --stage_.alive;
    stage_.wake = nullptr;
    stage_.ended.set_value();
  }
  void start(Wake wake) override {
    stage_.wake = std::move(wake);
    stage_.started.set_value();
  }
  std::optional<Response> poll(Hurry hurry) override {
    if (hurry == Hurry::stopping) return json_response(200, "\"stopped\"");
    if (stage_.said.empty()) return std::nullopt;
    return json_response(200, std::exchange(stage_.said, {}).front());
  }

 private:
  Stage& stage_;
};

class StagedStream final : public BodyStream {
 public:
  explicit StagedStream(Stage& stage) : stage_(stage) { ++stage_.alive; }
  ~StagedStream() override {
    --stage_.alive;
    stage_.wake = nullptr;
    stage_.ended.set_value();
  }
  void start(Wake wake) override {
    stage_.wake = std::move(wake);
    stage_.started.set_value();
  }
  State pull(std::string& out, std::size_t, Hurry hurry) override {
    for (const auto& each : std::exchange(stage_.said, {})) out += each;
    if (hurry == Hurry::stopping) out += "bye";
    return hurry == Hurry::stopping || stage_.over ? State::ended : State::dry;
  }

 private:
  Stage& stage_;
};

/// A server on a thread of its own; the test is the client, with plain blocking sockets.
class ServerTest : public ::testing::Test {
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
    router_.add(Method::get, "/stream", SyncHandler([this](const Request&) {
                  Response response;
                  response.content_type = "text/plain";
                  response.stream = std::make_unique<StagedStream>(stage_);
                  return response;
                }));
    router_.add(Method::get, "/throws", AsyncHandler([](const Request&) -> asio::awaitable<Response> {
                  throw std::runtime_error("oops");
                  co_return Response{};
                }));
  }

  ~ServerTest() override { stop(); }

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
    (void)co_await std::move(served);
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

TEST_F(ServerTest, HoldsAnAnswerUntilItIsThere) {
  start();
  auto client = connect();
  send(client, "GET /held HTTP/1.1\r\nHost: localhost\r\n\r\n" + std::string(kGet));
  stage_.started.get_future().wait();
  let_happen("\"now\"");
  std::string answers;
  asio::read_until(client, asio::dynamic_buffer(answers), "{}");  // the request behind it is answered too
  EXPECT_NE(answers.find("\"now\""), std::string::npos);
}

TEST_F(ServerTest, LetsGoOfAHeldAnswerWhenThePeerHasGone) {
  start();
  {
    auto client = connect();
    send(client, "GET /held HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stage_.started.get_future().wait();
  }
  stage_.ended.get_future().wait();
  stop();
  EXPECT_EQ(stage_.alive, 0);
}

TEST_F(ServerTest, AnswersWhatIsHeldWhenItStops) {
  start();
  auto client = connect();
  send(client, "GET /held HTTP/1.1\r\nHost: localhost\r\n\r\n");
  stage_.started.get_future().wait();
  stop();
  EXPECT_NE(read_all(client).find("\"stopped\""), std::string::npos);
}

TEST_F(ServerTest, StreamsABodyInChunksAndGoesOn) {
  start();
  auto client = connect();
  send(client, "GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
  stage_.started.get_future().wait();
  let_happen("one");
  std::string answer;
  asio::read_until(client, asio::dynamic_buffer(answer), "3\r\none\r\n");
  EXPECT_NE(answer.find("Transfer-Encoding: chunked\r\n"), std::string::npos);
  EXPECT_EQ(answer.find("Content-Length"), std::string::npos);
  let_happen("last", true);
  send(client, kGet);
  answer.clear();
  asio::read_until(client, asio::dynamic_buffer(answer), "{}");
  EXPECT_TRUE(answer.starts_with("4\r\nlast\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n")) << answer;
}

TEST_F(ServerTest, AStreamToHttp10EndsWithTheConnection) {
  start();
  auto client = connect();
  send(client, "GET /stream HTTP/1.0\r\n\r\n");
  stage_.started.get_future().wait();
  let_happen("all", true);
  const auto answer = read_all(client);
  EXPECT_TRUE(answer.ends_with("\r\n\r\nall")) << answer;
}

TEST_F(ServerTest, EndsAStreamWhenThePeerHasGoneOrTheServerStops) {
  start();
  {
    auto client = connect();
    send(client, "GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stage_.started.get_future().wait();
  }
  stage_.ended.get_future().wait();
  stage_.started = {};
  stage_.ended = {};
  auto client = connect();
  send(client, "GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
  stage_.started.get_future().wait();
  stop();
  EXPECT_TRUE(read_all(client).ends_with("3\r\nbye\r\n0\r\n\r\n"));
  EXPECT_EQ(stage_.alive, 0);
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
