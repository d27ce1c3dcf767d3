#include <gtest/gtest.h>

#include <string>

#include "http/h1/server.hpp"
#include "http/test_server.hpp"

namespace rollcall::http {
namespace {

TEST_F(ServerTest, HoldsAnAnswerUntilItIsThere) {
  start();
  auto client = connect();
  send(client, "GET /held HTTP/1.1\r\nHost: localhost\r\n\r\n" + std::string(kGet));
  ASSERT_TRUE(stage_.started.wait());
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
    ASSERT_TRUE(stage_.started.wait());
  }
  ASSERT_TRUE(stage_.ended.wait());
  stop();
  EXPECT_EQ(stage_.alive, 0);
}

TEST_F(ServerTest, AnswersWhatIsHeldWhenItStops) {
  start();
  auto client = connect();
  send(client, "GET /held HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_TRUE(stage_.started.wait());
  stop();
  EXPECT_NE(read_all(client).find("\"stopped\""), std::string::npos);
}

TEST_F(ServerTest, StreamsABodyInChunksAndGoesOn) {
  start();
  auto client = connect();
  send(client, "GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_TRUE(stage_.started.wait());
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
  ASSERT_TRUE(stage_.started.wait());
  let_happen("all", true);
  const auto answer = read_all(client);
  EXPECT_TRUE(answer.ends_with("\r\n\r\nall")) << answer;
}

TEST_F(ServerTest, EndsAStreamWhenThePeerHasGoneOrTheServerStops) {
  start();
  {
    auto client = connect();
    send(client, "GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ASSERT_TRUE(stage_.started.wait());
  }
  ASSERT_TRUE(stage_.ended.wait());
  auto client = connect();
  send(client, "GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_TRUE(stage_.started.wait());
  stop();
  EXPECT_TRUE(read_all(client).ends_with("3\r\nbye\r\n0\r\n\r\n"));
  EXPECT_EQ(stage_.alive, 0);
}

TEST_F(ServerTest, ABodyThatIsAlwaysBusyLeavesOthersTheirTurn) {
  start();
  auto busy = connect();
  send(busy, "GET /busy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  ASSERT_TRUE(stage_.started.wait());
  auto other = connect();
  send(other, kGet);
  EXPECT_EQ(read_some(other, 100).substr(0, 12), "HTTP/1.1 200");
  let_happen("done", true);
  EXPECT_TRUE(read_all(busy).ends_with("4\r\ndone\r\n0\r\n\r\n"));
}

}  // namespace
}  // namespace rollcall::http
