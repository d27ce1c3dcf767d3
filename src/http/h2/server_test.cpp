#include "http/h2/server.hpp"

#include <gtest/gtest.h>

#include <array>

#include "http/h2/test_client.hpp"
#include "http/test_server.hpp"

namespace rollcall::http {
namespace {

using h2::TestClient;

/// A client on a socket that blocks.
class Peer {
 public:
  explicit Peer(tcp::socket socket, std::int32_t window = NGHTTP2_INITIAL_WINDOW_SIZE, bool reads = true)
      : client(window, reads), socket_(std::move(socket)) {}

  void send() { send(client.output()); }
  void send(std::string_view bytes) {
    boost::system::error_code gone;  // which a read tells
    asio::write(socket_, asio::buffer(bytes), gone);
  }

  /// False when the server has closed before that.
  template <class Enough>
  bool read_until(Enough enough) {
    send();
    while (!enough()) {
      if (!receive()) return false;
      send();
    }
    return true;
  }
  /// Until the server has closed, without a further word.
  void read_all() {
    while (receive()) continue;
  }
  bool read_whole(std::int32_t id) {
    return read_until([this, id] { return client.reply(id).ended; });
  }

  TestClient client;

 private:
  bool receive() {
    std::array<char, 16 * 1024> room;
    boost::system::error_code error;
    const auto bytes = socket_.read_some(asio::buffer(room), error);
    if (!error) client.receive({room.data(), bytes});
    return !error;
  }

  tcp::socket socket_;
};

class H2ServerTest : public ServerTest {};

TEST_F(H2ServerTest, AnIdleConnectionIsToldAndClosed) {
  limits_.idle_timeout = kShort;
  start();
  Peer idle(connect());
  idle.send();
  idle.read_all();
  EXPECT_EQ(idle.client.goaway, NGHTTP2_NO_ERROR);

  Peer used(connect());
  const auto id = used.client.get("/hello");
  used.send();
  used.read_all();
  EXPECT_EQ(used.client.reply(id).body, "{}");
  EXPECT_EQ(used.client.goaway, NGHTTP2_NO_ERROR);
}

TEST_F(H2ServerTest, AReaderThatTakesNothingIsClosed) {
  limits_.idle_timeout = kShort;
  start();
  Peer peer(connect(), 1 << 30);
  peer.client.widen(1 << 30);
  (void)peer.client.get("/large");
  peer.send();
  while (stats_.requests.load() == 0) std::this_thread::yield();
  stop();  // waits for the connection's end
  EXPECT_EQ(stats_.connections.load(), 0U);
}

TEST_F(H2ServerTest, AReaderThatGivesNoRoomIsClosedHoweverLivelyItIs) {
  limits_.idle_timeout = kShort;
  start();
  Peer peer(connect(), 1000, false);
  const auto id = peer.client.get("/large");
  (void)peer.read_until([&peer] {
    peer.client.ping();
    return false;
  });
  EXPECT_EQ(peer.client.reply(id).body.size(), 1000U);
  EXPECT_FALSE(peer.client.reply(id).ended);
}

TEST_F(H2ServerTest, AReaderThatGoesOnTakingIsNot) {
  limits_.idle_timeout = milliseconds(500);
  start();
  Peer peer(connect(), 1000);
  const auto id = peer.client.get("/endless");
  const auto enough = clock_.now() + 2 * limits_.idle_timeout;
  EXPECT_TRUE(peer.read_until([&] { return clock_.now() > enough; }));
  peer.client.reset(id);
  peer.send();
}

TEST_F(H2ServerTest, ASlowSendersStreamIsTimedOutAlone) {
  start();
  Peer peer(connect());
  const auto slow = peer.client.send(TestClient::request("POST", "/hello"), "x", false);
  ASSERT_TRUE(peer.read_until([&] { return peer.client.reply(slow).status() == "408"; }));
  const auto other = peer.client.get("/hello");
  EXPECT_TRUE(peer.read_whole(other));
  EXPECT_FALSE(peer.client.goaway);
}

TEST_F(H2ServerTest, AHeaderThatDoesNotEndEndsTheConnection) {
  start();
  Peer peer(connect());
  (void)peer.client.get("/hello");
  const auto bytes = peer.client.output();
  peer.send(std::string_view(bytes).substr(0, bytes.size() - 1));
  peer.read_all();
  EXPECT_EQ(peer.client.goaway, NGHTTP2_NO_ERROR);
}

TEST_F(H2ServerTest, StopEndsWhatIsInHand) {
  start();
  Peer idle(connect());
  idle.send();
  Peer peer(connect());
  const auto held = peer.client.get("/held");
  const auto later = peer.client.get("/later");
  peer.send();
  ASSERT_TRUE(stage_.started.wait());
  while (stats_.requests.load() != 2 || stats_.connections.load() != 2) std::this_thread::yield();
  stop();
  peer.read_all();
  EXPECT_EQ(peer.client.reply(held).body, "\"stopped\"");
  EXPECT_EQ(peer.client.reply(later).body, "\"/later\"");
  EXPECT_EQ(peer.client.goaway, NGHTTP2_NO_ERROR);
  idle.read_all();
  EXPECT_EQ(idle.client.goaway, NGHTTP2_NO_ERROR);
}

TEST_F(H2ServerTest, LetsGoOfWhatWaitsWhenThePeerHasGone) {
  start();
  {
    Peer peer(connect());
    (void)peer.client.get("/held");
    (void)peer.client.get("/later");
    peer.send();
    ASSERT_TRUE(stage_.started.wait());
  }
  ASSERT_TRUE(stage_.ended.wait());
  stop();
  EXPECT_EQ(stage_.alive, 0);
}

TEST_F(H2ServerTest, ABodyThatIsAlwaysBusyLeavesOthersTheirTurn) {
  start();
  Peer busy(connect());
  const auto id = busy.client.get("/busy");
  busy.send();
  ASSERT_TRUE(stage_.started.wait());
  Peer other(connect());
  EXPECT_TRUE(other.read_whole(other.client.get("/hello")));
  EXPECT_TRUE(busy.read_whole(busy.client.get("/hello")));
  let_happen("done", true);
  EXPECT_TRUE(busy.read_whole(id));
  EXPECT_EQ(busy.client.reply(id).body, "done");
}

}  // namespace
}  // namespace rollcall::http
