#include "socket/session.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "codec/frame.hpp"

namespace rollcall::socket {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using std::chrono::milliseconds;
using namespace std::chrono_literals;

/// Answers everything, writes on a thread of its own as a registry does, and keeps how ties ended.
class TinyCommands final : public Commands {
 public:
  ~TinyCommands() override {
    for (auto& thread : writers_) thread.join();
  }

  void heartbeat(std::span<const std::string_view>, std::span<Heard> heard) override {
    std::ranges::fill(heard, Heard::yes);
  }
  std::string query(const ServiceName&) override { return std::string(answer_bytes, 'x'); }
  Result<std::unique_ptr<http::BodyStream>> watch(const codec::WatchCommand&) override {
    return fail(ErrorCode::compacted, "is too old", "revision");
  }
  void submit(codec::SocketCommand, const Caller&, Done done) override {
    writers_.emplace_back(
        [done = std::move(done)]() mutable { done(codec::SocketAnswer{codec::SocketAnswer::Kind::text, "uuid"}); });
  }
  TieId tie() override { return TieId{1}; }
  void untie(TieId, End end) override {
    const std::scoped_lock lock(mutex_);
    end_ = end;
    ended_.notify_all();
  }

  std::optional<End> wait_for_end() {
    std::unique_lock lock(mutex_);
    ended_.wait_for(lock, 5s, [this] { return end_.has_value(); });
    return end_;
  }

  std::size_t answer_bytes = 2;

 private:
  std::vector<std::thread> writers_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::optional<End> end_;
};

SocketLimits quick_limits() {
  SocketLimits limits;
  limits.connections = 4;
  limits.idle_timeout = 200ms;
  limits.request_timeout = 100ms;
  limits.linger_timeout = 100ms;
  return limits;
}

class SessionTest : public ::testing::Test {
 protected:
  ~SessionTest() override { stop(); }

  void start() {
    accept();
    thread_ = std::thread([this] { io_.run(); });
  }

  void drain() {
    asio::post(io_, [this] {
      boost::system::error_code ignored;
      acceptor_.close(ignored);
      table_.drain();
    });
  }

  void stop() {
    if (!thread_.joinable()) return;
    drain();
    thread_.join();
  }

  void accept() {
    acceptor_.async_accept([this](const boost::system::error_code& error, tcp::socket socket) {
      if (error) return;
      asio::co_spawn(io_, serve(std::move(socket), context_), asio::detached);
      accept();
    });
  }

  tcp::socket connect() {
    tcp::socket socket(client_io_);
    socket.connect(acceptor_.local_endpoint());
    return socket;
  }

  static void send(tcp::socket& socket, std::string_view bytes) { asio::write(socket, asio::buffer(bytes)); }

  /// So many bytes, or fewer at the end.
  static std::string receive(tcp::socket& socket, std::size_t bytes) {
    std::string got(bytes, 0);
    boost::system::error_code error;
    got.resize(asio::read(socket, asio::buffer(got), error));
    return got;
  }

  /// Binds an instance, so that the connection's end is told.
  tcp::socket connect_bound() {
    auto socket = connect();
    send(socket, "register hive 10.0.0.1 1 bound\n");
    EXPECT_EQ(receive(socket, 5), "uuid\n");
    return socket;
  }

  static void reset(tcp::socket& socket) {
    socket.set_option(asio::socket_base::linger(true, 0));
    socket.close();
  }

  const SystemClock clock_;
  SocketLimits limits_ = quick_limits();
  const ModelLimits model_;
  const http::AccessRules access_;
  TinyCommands commands_;
  SessionStats stats_;
  Complaints complaints_{clock_, 10};
  asio::io_context io_{1};
  asio::io_context client_io_{1};
  std::atomic<std::size_t> open_{0};
  http::ConnectionTable table_{io_, clock_, limits_, open_};
  const SessionContext context_{commands_, access_, limits_, model_, stats_, complaints_, table_};
  tcp::acceptor acceptor_{io_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
  std::thread thread_;
};

TEST_F(SessionTest, LinesStayOpen) {
  start();
  auto socket = connect();
  for (int i = 0; i < 3; ++i) {
    send(socket, "heartbeat a\nheartbeat b\n");
    EXPECT_EQ(receive(socket, 6), "OK\nOK\n");
  }
}

TEST_F(SessionTest, AFrameIsAnsweredAndTheConnectionClosed) {
  start();
  auto socket = connect();
  std::string request;
  codec::append_request_frame(request, R"({"action":"heartbeat","uuid":"a"})");
  send(socket, request);
  std::string expected;
  codec::append_frame(expected, codec::SocketAnswer::ok());
  EXPECT_EQ(receive(socket, 1'000), expected);
}

TEST_F(SessionTest, WhoHasClosedItsSideStillReads) {
  start();
  auto socket = connect();
  send(socket, "register hive 10.0.0.1 1\nheartbeat a\n");
  socket.shutdown(tcp::socket::shutdown_send);
  EXPECT_EQ(receive(socket, 1'000), "uuid\nOK\n");
}

TEST_F(SessionTest, ThePeersCloseIsTold) {
  start();
  connect_bound().close();
  EXPECT_EQ(commands_.wait_for_end(), End::by_peer);
}

TEST_F(SessionTest, ThePeersResetIsTold) {
  start();
  auto socket = connect_bound();
  reset(socket);
  EXPECT_EQ(commands_.wait_for_end(), End::by_peer);
}

TEST_F(SessionTest, ThePeersCloseIsToldWhileItTakesNothing) {
  limits_.idle_timeout = 10s;
  commands_.answer_bytes = 8 << 20;
  start();
  auto socket = connect_bound();
  send(socket, "query hive\nquery hive\n");
  EXPECT_EQ(receive(socket, 1), "x");
  socket.close();
  EXPECT_EQ(commands_.wait_for_end(), End::by_peer);
}

TEST_F(SessionTest, AnIdleConnectionIsClosedByUs) {
  start();
  auto socket = connect_bound();
  EXPECT_EQ(receive(socket, 1), "");
  EXPECT_EQ(commands_.wait_for_end(), End::by_us);
}

TEST_F(SessionTest, AReaderThatTakesNothingIsClosedByUs) {
  commands_.answer_bytes = 8 << 20;
  start();
  auto socket = connect_bound();
  send(socket, "query hive\n");
  EXPECT_EQ(commands_.wait_for_end(), End::by_us);
}

TEST_F(SessionTest, ALineThatDoesntEndIsRefusedByUs) {
  limits_.idle_timeout = 10s;
  start();
  auto socket = connect_bound();
  send(socket, "heartbeat");
  EXPECT_EQ(receive(socket, 100), "ERROR\n");
  EXPECT_EQ(commands_.wait_for_end(), End::by_us);
}

TEST_F(SessionTest, AStopClosesByUs) {
  limits_.idle_timeout = 10s;
  start();
  auto socket = connect_bound();
  drain();
  EXPECT_EQ(receive(socket, 1), "");
  EXPECT_EQ(commands_.wait_for_end(), End::by_us);
}

TEST_F(SessionTest, ConnectionsOverTheLimitAreClosed) {
  limits_.idle_timeout = 10s;
  start();
  std::vector<tcp::socket> sockets;
  for (int i = 0; i < 4; ++i) {
    sockets.push_back(connect());
    send(sockets.back(), "heartbeat a\n");
    EXPECT_EQ(receive(sockets.back(), 3), "OK\n");
  }
  auto refused = connect();
  EXPECT_EQ(receive(refused, 1), "");
  EXPECT_EQ(stats_.connections_refused, 1U);
}

TEST_F(SessionTest, ABoundConnectionAsksThePeersKernelWhenItIsSilent) {
  limits_.idle_timeout = 10s;
  limits_.keepalive = 6s;
  start();
  auto socket = connect_bound();
  // Its other end lives in this process too.
  bool found = false;
  for (int fd = 3; fd < 64; ++fd) {
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) continue;
    if (ntohs(peer.sin_port) != socket.local_endpoint().port()) continue;
    int on = 0;
    size = sizeof on;
    ::getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, &size);
    found = on != 0;
  }
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace rollcall::socket
